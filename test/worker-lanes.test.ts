import type { Lane } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { openFleet } from "./support/fleet.ts";
import { steps, text } from "./support/toy-prompts.ts";

test("between two jobs a worker takes the most urgent lane first", async () => {
  await using fleet = await openFleet();
  const inOrderOfArrival: readonly Lane[] = ["low", "normal", "high", "low", "high", "normal"];
  const lanes = new Map<string, Lane>();
  for (const lane of inOrderOfArrival) lanes.set(await fleet.submit(text(lane), { lane }), lane);

  await fleet.startWorker();
  const starts = await Promise.all(
    [...lanes].map(async ([jobId, lane]) => {
      const { at } = await fleet.jobs.event(jobId, "job-start");
      await fleet.jobs.ended(jobId);
      return { lane, at };
    }),
  );

  const order = starts.toSorted((a, b) => (a.at < b.at ? -1 : 1)).map(({ lane }) => lane);
  expect(order).toEqual(["high", "high", "normal", "normal", "low", "low"]);
});

test("a busy worker holds no other job: an idle one runs it at once", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker({ workerId: "anna" });
  const long = await fleet.submit(steps({ steps: 2_000, ms: 5 }));
  await fleet.jobs.event(long, "job-start");
  const waiting = [
    await fleet.submit(text("a"), { lane: "high" }),
    await fleet.submit(text("b"), { lane: "normal" }),
    await fleet.submit(text("c"), { lane: "low" }),
  ];

  await fleet.startWorker({ workerId: "bert" });
  for (const jobId of waiting) await fleet.jobs.ended(jobId);

  for (const jobId of waiting) {
    expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({
      workerId: "bert",
      attempt: 1,
    });
  }
  expect(await fleet.store.view("every-tenant", long)).toMatchObject({
    workerId: "anna",
    state: "running",
  });
  await fleet.store.cancel("every-tenant", long);
});

test("a worker with two slots runs two jobs at once", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker({ slots: 2 });
  const jobs = [
    await fleet.submit(steps({ steps: 2_000, ms: 5 })),
    await fleet.submit(steps({ steps: 2_000, ms: 5 })),
  ];

  for (const jobId of jobs) await fleet.jobs.event(jobId, "node-progress");

  expect((await fleet.store.queue("every-tenant")).running).toHaveLength(2);
  for (const jobId of jobs) await fleet.store.cancel("every-tenant", jobId);
});

test("a job for a pool that nobody serves waits, and runs once a worker of the pool comes", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();
  const jobId = await fleet.submit(text("patient"), { pool: "gpu" });
  await fleet.jobs.ended(await fleet.submit(text("other")));
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({ state: "pending" });

  await fleet.startWorker({ workerId: "gpu-1", pool: "gpu" });

  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "succeeded" });
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({ workerId: "gpu-1" });
});

test("a job that was not started before its deadline fails with QUEUE_DEADLINE", async () => {
  await using fleet = await openFleet();
  const deadlineAt = new Date(Date.now() - 1_000).toISOString();
  const jobId = await fleet.submit(text("late"), { deadlineAt });

  await fleet.startWorker();

  expect(await fleet.jobs.ended(jobId)).toMatchObject({
    state: "failed",
    seq: 1,
    error: { code: "QUEUE_DEADLINE" },
  });
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({ state: "failed" });
});
