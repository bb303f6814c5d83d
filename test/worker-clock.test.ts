import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openFleet } from "./support/fleet.ts";
import { steps, text } from "./support/toy-prompts.ts";

const clockJump = fileURLToPath(new URL("support/clock-jump.mjs", import.meta.url));

test("a worker whose clock jumps ahead and back goes on with its job and stays in the fleet", async () => {
  await using fleet = await openFleet();
  const worker = await fleet.spawnWorker({
    WORKER_ID: "jumper",
    NODE_OPTIONS: `--import=${clockJump}`,
    RUN_SECONDS: "600",
    SILENCE_SECONDS: "120",
  });
  const jobId = await fleet.submit(steps({ steps: 400, ms: 20 }));
  const reached = (value: number) =>
    fleet.jobs.event(jobId, "node-progress", { where: (event) => event.value >= value });

  await reached(20);
  process.kill(worker.pid, "SIGUSR1");
  const ahead = await reached(150);
  process.kill(worker.pid, "SIGUSR2");
  const back = await reached(300);
  const there = await fleet.store.workers();
  const end = await fleet.jobs.ended(jobId, 60_000);
  const next = await fleet.jobs.ended(await fleet.submit(text("next")), 60_000);

  // The clock did jump: what the worker says bears its time.
  expect(Date.parse(ahead.at) - Date.now()).toBeGreaterThan(4 * 3_600_000);
  expect(Date.now() - Date.parse(back.at)).toBeGreaterThan(3 * 3_600_000);
  expect(there.map(({ workerId }) => workerId)).toEqual(["jumper"]);
  expect(end).toMatchObject({ state: "succeeded", attempt: 1 });
  expect(next).toMatchObject({ state: "succeeded", attempt: 1 });
}, 120_000);
