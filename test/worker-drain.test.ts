import { expect, test } from "vitest";
import { openFleet } from "./support/fleet.ts";
import { steps, text } from "./support/toy-prompts.ts";

test("a draining worker finishes what it runs and takes nothing more", async () => {
  await using fleet = await openFleet();
  const worker = await fleet.startWorker();
  const running = await fleet.submit(steps({ steps: 200, ms: 10 }));
  await fleet.jobs.event(running, "node-progress");
  const waiting = await fleet.submit(text("waiting"));

  await worker.drain();

  expect(await fleet.jobs.ended(running)).toMatchObject({ state: "succeeded", attempt: 1 });
  expect(await fleet.store.view("every-tenant", waiting)).toMatchObject({
    state: "pending",
    attempt: 0,
  });
  expect(await fleet.store.workers()).toEqual([]);
});

test("what takes longer than the grace time is handed back and runs elsewhere, under a new attempt", async () => {
  await using fleet = await openFleet();
  const worker = await fleet.startWorker({ workerId: "leaving", drainMs: 100 });
  const jobId = await fleet.submit(steps({ steps: 100, ms: 20 }));
  await fleet.jobs.event(jobId, "node-progress");

  await worker.drain();
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({
    state: "pending",
    attempt: 1,
  });
  await fleet.startWorker({ workerId: "staying" });

  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "succeeded", attempt: 2 });
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({
    workerId: "staying",
    state: "succeeded",
  });
});

test("SIGTERM drains the process, which then ends with code 0", async () => {
  await using fleet = await openFleet();
  const worker = await fleet.spawnWorker();
  const jobId = await fleet.submit(steps({ steps: 20, ms: 20 }));
  await fleet.jobs.event(jobId, "node-progress");

  const code = await worker.kill("SIGTERM");

  expect(code).toBe(0);
  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "succeeded" });
}, 60_000);

test("a worker that the fleet tells to drain shows as draining, while another goes on", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker({ workerId: "leaving" });
  await fleet.startWorker({ workerId: "staying" });
  const jobs = [
    await fleet.submit(steps({ steps: 250, ms: 10 })),
    await fleet.submit(steps({ steps: 250, ms: 10 })),
  ];
  for (const jobId of jobs) await fleet.jobs.event(jobId, "node-progress");
  const states = async () =>
    (await fleet.store.workers()).map(({ workerId, state }) => `${workerId} ${state}`);

  await fleet.publisher.publish({
    exchange: fleet.names.control.exchange,
    routingKey: "",
    body: Buffer.from(JSON.stringify({ v: 1, type: "worker-drain", workerId: "leaving" })),
  });

  await expect.poll(states, { timeout: 15_000 }).toEqual(["leaving draining", "staying busy"]);
  for (const jobId of jobs) {
    expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "succeeded" });
  }
  await expect.poll(states, { timeout: 15_000 }).toEqual(["staying idle"]);
});
