import { ACK, consume } from "@rabbitloom/broker";
import { decodeEvents, type JobEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { openFleet } from "./support/fleet.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

test("a job's events are numbered from 1 without a gap, and the last one is its end", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();

  const jobId = await fleet.submit(steps({ steps: 20, ms: 1 }));
  const end = await fleet.jobs.ended(jobId);

  const events = fleet.jobs.events(jobId);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(new Set(events.map(({ attempt }) => attempt))).toEqual(new Set([1]));
  expect(events[0]).toMatchObject({ type: "job-start", nodeCount: 1 });
  expect(events.filter(({ type }) => type === "node-preview")).toHaveLength(20);
  expect(end).toEqual(events.at(-1));
  expect(end).toMatchObject({ state: "succeeded", outputs: { "1": { text: ["done"] } } });
});

test("each preview follows the progress it belongs to", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();

  const jobId = await fleet.submit(steps({ steps: 5, ms: 1 }));
  await fleet.jobs.ended(jobId);

  const told = fleet.jobs.events(jobId).flatMap(pictureOrStep);
  expect(told).toEqual([1, 2, 3, 4, 5].flatMap((step) => [`step ${step}`, `picture ${step}`]));
});

function pictureOrStep(event: JobEvent): string[] {
  if (event.type === "node-progress") return [`step ${event.value}`];
  if (event.type === "node-preview") return [Buffer.from(event.image).toString()];
  return [];
}

test("the record of a job that has ended says what its last event says", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker({ workerId: "anna" });

  const jobId = await fleet.submit(text("hello"));
  const end = await fleet.jobs.ended(jobId);

  const record = await fleet.store.find("every-tenant", jobId);
  expect(record).toMatchObject({
    state: "succeeded",
    attempt: 1,
    workerId: "anna",
    outputs: { "1": { text: ["hello"] } },
    lastSeq: end.seq,
    history: { meta: { "1": { node_id: "1", real_node_id: "1" } } },
  });
});

test("a node that throws fails the job, which is not tried again", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();

  const jobId = await fleet.submit({ "7": { class_type: "ToyFail", inputs: { message: "no!" } } });
  const end = await fleet.jobs.ended(jobId);

  expect(end).toMatchObject({
    state: "failed",
    attempt: 1,
    error: { code: "NODE_FAILED", message: "no!", retryable: false, node: { nodeId: "7" } },
  });
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({
    state: "failed",
    attempt: 1,
  });
});

test("a prompt that nobody validated before is refused with its node errors", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();

  const jobId = await fleet.submit({ "1": { class_type: "ToyText", inputs: {} } });
  const end = await fleet.jobs.ended(jobId);

  expect(end).toMatchObject({ state: "failed", error: { code: "VALIDATION_FAILED" } });
  expect(end.error?.nodeErrors?.["1"]?.errors[0]?.type).toBe("required_input_missing");
});

test("a service that sends a bare prompt gets every event on its reply queue, under its correlation id", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();
  const replies: { readonly event: JobEvent; readonly correlationId: string | undefined }[] = [];
  const queue = fleet.names.service("billing");
  await using _consumer = await consume(fleet.connection, {
    queue,
    prefetch: 100,
    setup: async (channel) => void (await channel.assertQueue(queue, { durable: true })),
    handle(delivery) {
      const { body, correlationId } = delivery;
      const message = { ...delivery, text: () => body.toString(), bytes: () => body };
      for (const event of decodeEvents(message)) replies.push({ event, correlationId });
      return Promise.resolve(ACK);
    },
  });

  await fleet.send(JSON.stringify({ prompt: steps({ steps: 3, ms: 1 }) }), {
    messageId: "native-1",
    replyTo: queue,
    correlationId: "invoice 12",
  });
  await until("the end is on the reply queue", () => replies.at(-1)?.event.type === "job-end");

  expect(replies.map(({ event }) => event.seq)).toEqual(replies.map((_, index) => index + 1));
  expect(new Set(replies.map(({ correlationId }) => correlationId))).toEqual(
    new Set(["invoice 12"]),
  );
  expect(replies.at(-1)?.event).toMatchObject({ jobId: "native-1", state: "succeeded" });
  expect(await fleet.store.view("every-tenant", "native-1")).toMatchObject({
    state: "succeeded",
    lane: "normal",
  });
});

test("a snapshot that is asked for comes in sequence and holds everything so far", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();
  const jobId = await fleet.submit(steps({ steps: 2_000, ms: 5 }));
  await fleet.jobs.event(jobId, "node-progress", { where: ({ value }) => value >= 3 });

  await fleet.publisher.publish({
    exchange: fleet.names.control.exchange,
    routingKey: "",
    body: Buffer.from(JSON.stringify({ v: 1, type: "job-snapshot", jobId })),
  });
  const snapshot = await fleet.jobs.event(jobId, "job-snapshot");

  expect(snapshot.nodes["1"]).toMatchObject({ state: "running", max: 2_000 });
  expect(snapshot.nodes["1"]?.value).toBeGreaterThanOrEqual(3);
  const seqs = fleet.jobs.events(jobId).map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
});

test("numbers of saved files go on after the highest one in the folder", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();
  const save = (color: number) => ({
    "1": {
      class_type: "EmptyImage",
      inputs: { width: 8, height: 8, batch_size: 1, color },
    },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "pic" } },
  });

  const names: unknown[] = [];
  for (const color of [1, 2, 3]) {
    const end = await fleet.jobs.ended(await fleet.submit(save(color)));
    names.push(end.outputs["2"]?.images);
  }

  expect(names).toEqual(
    [1, 2, 3].map((number) => [
      { filename: `pic_0000${number}_.png`, subfolder: "", type: "output" },
    ]),
  );
});

test("a message that is sent several times while its job runs makes one attempt", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker({ workerId: "a" });
  await fleet.startWorker({ workerId: "b" });

  const prompt = steps({ steps: 40, ms: 10 });
  const jobId = await fleet.submit(prompt);
  await fleet.jobs.event(jobId, "job-start");
  for (let copy = 0; copy < 5; copy++) {
    await fleet.send(JSON.stringify({ prompt }), { messageId: jobId });
  }
  const behind = await fleet.submit(text("behind them"));
  await fleet.jobs.ended(behind);

  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "succeeded", attempt: 1 });
  const starts = fleet.jobs.events(jobId).filter(({ type }) => type === "job-start");
  expect(starts).toHaveLength(1);
});
