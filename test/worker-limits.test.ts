import { expect, test } from "vitest";
import { openFleet } from "./support/fleet.ts";
import { steps, text } from "./support/toy-prompts.ts";

test("a job that runs longer than it may ends as failed, and the worker takes the next", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();

  const jobId = await fleet.submit(steps({ steps: 3_000, ms: 20 }), {
    limits: { runSeconds: 0.3 },
  });
  const end = await fleet.jobs.ended(jobId, 40_000);
  const next = await fleet.jobs.ended(await fleet.submit(text("next")));

  expect(end).toMatchObject({ state: "failed", attempt: 1, error: { code: "RUN_DEADLINE" } });
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({
    state: "failed",
    attempt: 1,
  });
  expect(next).toMatchObject({ state: "succeeded" });
});

test("a job that falls silent is tried once more, and then given up with the reason", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();

  const jobId = await fleet.submit(steps({ steps: 2, ms: 50_000 }), {
    limits: { silenceSeconds: 0.2 },
  });
  const end = await fleet.jobs.ended(jobId, 40_000);

  expect(end).toMatchObject({ state: "dead", error: { code: "JOB_DEAD" } });
  expect(end.error?.message).toContain("SILENCE_LIMIT");
  expect(fleet.jobs.events(jobId).filter(({ type }) => type === "job-start")).toHaveLength(2);
});
