import { expect, test } from "vitest";
import { openFleet, type TestFleet } from "./support/fleet.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

/** Says to all workers what a gateway says when somebody cancels a running job. */
async function sendCancel(fleet: TestFleet, jobId: string): Promise<void> {
  await fleet.publisher.publish({
    exchange: fleet.names.control.exchange,
    routingKey: "",
    body: Buffer.from(JSON.stringify({ v: 1, type: "job-cancel", jobId })),
  });
}

test("a running job that is cancelled stops between its steps and says so once", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();
  const jobId = await fleet.submit(steps({ steps: 2_000, ms: 5 }));
  await fleet.jobs.event(jobId, "node-progress");

  const cancellation = await fleet.store.cancel("every-tenant", jobId);
  await sendCancel(fleet, jobId);
  const end = await fleet.jobs.ended(jobId);

  expect(cancellation).toMatchObject({ found: "running", wasRunning: true });
  expect(end).toMatchObject({
    state: "cancelled",
    attempt: 1,
    error: { code: "JOB_CANCELLED", node: { nodeId: "1", nodeType: "ToySteps" } },
  });
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({
    state: "cancelled",
    lastSeq: end.seq,
  });
});

test("a cancellation never touches the next job", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();
  const first = await fleet.submit(steps({ steps: 2_000, ms: 5, tag: "first" }));
  const second = await fleet.submit(steps({ steps: 20, ms: 5, tag: "second" }));
  await fleet.jobs.event(first, "node-progress");

  await fleet.store.cancel("every-tenant", first);
  await sendCancel(fleet, first);
  await sendCancel(fleet, first);
  await fleet.jobs.event(second, "node-progress");
  await sendCancel(fleet, first);

  expect(await fleet.jobs.ended(first)).toMatchObject({ state: "cancelled" });
  expect(await fleet.jobs.ended(second)).toMatchObject({ state: "succeeded" });
});

test("a cancellation whose message got lost is found with the next progress report", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();
  const jobId = await fleet.submit(steps({ steps: 2_000, ms: 5 }));
  await fleet.jobs.event(jobId, "node-progress");

  await fleet.store.cancel("every-tenant", jobId);

  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "cancelled" });
});

test("a job cancelled in the queue is never run", async () => {
  await using fleet = await openFleet();
  const jobId = await fleet.submit(text("never"));

  expect(await fleet.store.cancel("every-tenant", jobId)).toMatchObject({
    found: "pending",
    attempt: 1,
  });
  await fleet.store.noteAnnounced(jobId, 1);
  await fleet.startWorker();
  const next = await fleet.submit(text("next"));
  await fleet.jobs.ended(next);

  expect(fleet.jobs.events(jobId)).toEqual([]);
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({ state: "cancelled" });
  const lane = fleet.names.jobs.queue("normal", "default");
  await until("the cancelled job has left the queue", async () => {
    const { messageCount } = await fleet.connection.withChannel((channel) =>
      channel.checkQueue(lane),
    );
    return messageCount === 0;
  });
});

test("the end of a job whose canceller died before saying it is said by the worker that finds it", async () => {
  await using fleet = await openFleet();
  const jobId = await fleet.submit(text("never"));
  await fleet.store.cancel("every-tenant", jobId);

  await fleet.startWorker();

  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "cancelled", attempt: 1, seq: 1 });
  expect(fleet.jobs.events(jobId)).toHaveLength(1);
});

test("a cancelled job whose worker died before it could stop is ended by the next one", async () => {
  await using fleet = await openFleet();
  const jobId = await fleet.submit(steps({ steps: 2_000, ms: 5 }));
  const record = await fleet.store.find("every-tenant", jobId);
  if (record === undefined) throw new Error("no record");
  const message = { v: 1 as const, ...record, jobId };
  await fleet.store.claim({ message, workerId: "dead" });
  await fleet.store.cancel("every-tenant", jobId);
  // The broker saw the worker go: its message comes back as one that was delivered before.
  await fleet.connection.withChannel(async (channel) => {
    const held = await channel.get(fleet.names.jobs.queue("normal", "default"));
    if (held === false) throw new Error("no message in the lane");
    channel.nack(held, false, true);
  });

  await fleet.startWorker();

  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "cancelled", attempt: 2, seq: 1 });
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({
    state: "cancelled",
    attempt: 2,
  });
});
