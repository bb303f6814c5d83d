import {
  ACK,
  type Broker,
  connectBroker,
  consume,
  declareTopology,
  openPublisher,
} from "@rabbitloom/broker";
import { connectAmqpClient } from "@rabbitloom/client/amqp";
import {
  decodeJob,
  encodeEvents,
  encodePreview,
  type JobEndEvent,
  type JobEvent,
  type WireMessage,
} from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { openBroker, type TestBroker } from "./support/broker.ts";
import { openCutProxy } from "./support/cut-proxy.ts";
import { openFleet } from "./support/fleet.ts";
import { steps } from "./support/toy-prompts.ts";

const prompt = { "1": { class_type: "EmptyImage", inputs: {} } };

interface TakenJob {
  readonly jobId: string;
  readonly correlationId: string | undefined;
  /** Sends one event to the job's reply queue, as a worker does. */
  say(...events: JobEvent[]): Promise<void>;
}

/** A worker without an engine: jobs are handed to the test, which says their events. */
async function openHandWorker({ amqpUrl, names }: TestBroker, onJob: (job: TakenJob) => void) {
  const broker: Broker = await connectBroker({ url: amqpUrl, name: "hand worker" });
  await declareTopology(broker, names);
  const publisher = openPublisher(broker);
  const consumer = await consume(broker, {
    queue: names.jobs.queue("normal", "default"),
    prefetch: 10,
    handle(delivery) {
      const { messageId, correlationId, replyTo = "" } = delivery;
      const { jobId } = decodeJob({ messageId, text: delivery.body.toString() });
      onJob({
        jobId,
        correlationId,
        async say(...events) {
          for (const event of events) {
            const { body, ...properties }: WireMessage =
              event.type === "node-preview" ? encodePreview(event) : encodeEvents([event]);
            const routed = { exchange: "", routingKey: replyTo, body: Buffer.from(body) };
            await publisher.publish({ ...properties, ...routed, persistent: true });
          }
        },
      });
      return Promise.resolve(ACK);
    },
  });
  return {
    async [Symbol.asyncDispose]() {
      await consumer[Symbol.asyncDispose]();
      await publisher[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

const envelope = (jobId: string, seq: number) =>
  ({ v: 1, jobId, attempt: 1, seq, at: new Date().toISOString() }) as const;
const start = (jobId: string): JobEvent => ({
  ...envelope(jobId, 1),
  type: "job-start",
  workerId: "w",
  nodeCount: 1,
});
const progress = (jobId: string, seq: number): JobEvent => ({
  ...envelope(jobId, seq),
  type: "node-progress",
  nodeId: "1",
  value: seq,
  max: 10,
});
const preview = (jobId: string, seq: number): JobEvent => ({
  ...envelope(jobId, seq),
  type: "node-preview",
  nodeId: "1",
  contentType: "image/jpeg",
  width: 2,
  height: 2,
  image: new Uint8Array([255, 216, 1, 2, 3]),
});
const end = (jobId: string, seq: number): JobEndEvent => ({
  ...envelope(jobId, seq),
  type: "job-end",
  state: "succeeded",
  outputs: { "1": { text: [jobId] } },
});

async function seqsOf(events: AsyncIterable<JobEvent>): Promise<number[]> {
  const seqs: number[] = [];
  for await (const { seq } of events) seqs.push(seq);
  return seqs;
}

test("a service gets progress, preview and end of its job on its own reply queue", async () => {
  await using broker = await openBroker();
  await using _worker = await openHandWorker(broker, ({ jobId, correlationId, say }) => {
    expect(correlationId).toBe(jobId);
    void say(start(jobId), progress(jobId, 2), preview(jobId, 3), end(jobId, 4));
  });
  await using client = await connectAmqpClient({ url: broker.amqpUrl, prefix: broker.prefix });

  const job = await client.submit(prompt, { jobId: "mine" });
  expect(job.jobId).toBe("mine");
  const events: JobEvent[] = [];
  for await (const event of job.events) events.push(event);

  expect(events.map(({ type }) => type)).toEqual([
    "job-start",
    "node-progress",
    "node-preview",
    "job-end",
  ]);
  expect(events[2]).toMatchObject({ image: new Uint8Array([255, 216, 1, 2, 3]) });
  expect((await job.result).outputs).toEqual({ "1": { text: ["mine"] } });
});

test("a real worker answers a service as it answers a gateway, job after job", async () => {
  await using broker = await openBroker();
  await using fleet = await openFleet({ broker });
  await fleet.startWorker();
  await using client = await connectAmqpClient({ url: broker.amqpUrl, prefix: fleet.prefix });

  const jobs = await Promise.all(
    ["one", "two"].map((tag) => client.submit(steps({ steps: 3, ms: 5, tag }), { tags: [tag] })),
  );
  for (const [index, { jobId, events, result }] of jobs.entries()) {
    const seen: JobEvent[] = [];
    for await (const event of events) seen.push(event);
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, at) => at + 1));
    expect(seen.filter(({ type }) => type === "node-preview")).toHaveLength(3);
    const tag = index === 0 ? "one" : "two";
    expect(await result).toMatchObject({ jobId, outputs: { "1": { text: [tag] } } });
    const { jobs: found } = await fleet.store.list("every-tenant", { tags: [tag] });
    expect(found.map(({ id }) => id)).toEqual([jobId]);
  }
});

test("jobs that run at once on one reply queue each get their own events", async () => {
  await using broker = await openBroker();
  const taken: TakenJob[] = [];
  await using _worker = await openHandWorker(broker, (job) => taken.push(job));
  await using client = await connectAmqpClient({ url: broker.amqpUrl, prefix: broker.prefix });

  const jobs = await Promise.all(Array.from({ length: 8 }, () => client.submit(prompt)));
  await expect.poll(() => taken).toHaveLength(8);
  for (const seq of [1, 2, 3, 4]) {
    for (const { jobId, say } of taken) {
      await say(seq === 1 ? start(jobId) : seq === 4 ? end(jobId, 4) : progress(jobId, seq));
    }
  }

  expect(await Promise.all(jobs.map(({ events }) => seqsOf(events)))).toEqual(
    jobs.map(() => [1, 2, 3, 4]),
  );
  const ends = await Promise.all(jobs.map(({ result }) => result));
  expect(ends.map(({ jobId }) => jobId)).toEqual(jobs.map(({ jobId }) => jobId));
});

test("the result of a job that failed rejects with the job's own code", async () => {
  await using broker = await openBroker();
  await using _worker = await openHandWorker(broker, ({ jobId, say }) => {
    const error = { code: "MODEL_MISSING", message: "no such model", retryable: true };
    void say({ ...end(jobId, 1), state: "failed", error });
  });
  await using client = await connectAmqpClient({ url: broker.amqpUrl, prefix: broker.prefix });
  const job = await client.submit(prompt);
  await expect(job.result).rejects.toMatchObject({ code: "MODEL_MISSING" });
});

test("events of the time without a connection arrive after it, none lost and none twice", async () => {
  await using broker = await openBroker();
  await using proxy = await openCutProxy(broker.amqpUrl);
  const taken: TakenJob[] = [];
  await using _worker = await openHandWorker(broker, (job) => taken.push(job));
  await using client = await connectAmqpClient({ url: proxy.url, prefix: broker.prefix });

  const job = await client.submit(prompt);
  await expect.poll(() => taken).toHaveLength(1);
  const [{ jobId, say } = expect.fail("no job")] = taken;
  await say(start(jobId), progress(jobId, 2));
  proxy.close();
  proxy.cut();
  await say(progress(jobId, 3), progress(jobId, 4));
  proxy.open();
  await say(progress(jobId, 5), end(jobId, 6));

  expect(await seqsOf(job.events)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a job submitted while the connection is away is confirmed once it is back", async () => {
  await using broker = await openBroker();
  await using proxy = await openCutProxy(broker.amqpUrl);
  await using _worker = await openHandWorker(broker, ({ jobId, say }) => void say(end(jobId, 1)));
  await using client = await connectAmqpClient({ url: proxy.url, prefix: broker.prefix });
  proxy.close();
  proxy.cut();
  const submitted = client.submit(prompt);
  await expect.poll(() => proxy.connections).toBe(0);
  proxy.open();
  const { result } = await submitted;
  expect((await result).state).toBe("succeeded");
});

test("a lane that is full refuses with a code", async () => {
  await using broker = await openBroker();
  await using admin = await connectBroker({ url: broker.amqpUrl, name: "admin" });
  await declareTopology(admin, broker.names, { maxLength: 2 });
  await using client = await connectAmqpClient({ url: broker.amqpUrl, prefix: broker.prefix });
  const submitMany = async () => {
    for (let count = 0; count < 20; count++) await client.submit(prompt);
  };
  await expect(submitMany()).rejects.toMatchObject({ code: "QUEUE_FULL" });
});

test("a fleet that is not there is an error within the time given for the confirm", async () => {
  await using broker = await openBroker();
  await using client = await connectAmqpClient({ url: broker.amqpUrl, prefix: broker.prefix });
  await expect(client.submit(prompt, { confirmWithinMs: 500 })).rejects.toMatchObject({
    code: "BROKER_UNAVAILABLE",
  });
});

test("closing the client ends what waits on it, and takes its queue away", async () => {
  await using broker = await openBroker();
  await using _worker = await openHandWorker(broker, () => undefined);
  const client = await connectAmqpClient({ url: broker.amqpUrl, prefix: broker.prefix });
  const job = await client.submit(prompt);
  const ends = Promise.allSettled([seqsOf(job.events), job.result]);
  await client[Symbol.asyncDispose]();
  const lost = { status: "rejected", reason: { code: "CONNECTION_LOST" } };
  expect(await ends).toMatchObject([lost, lost]);
  await using admin = await connectBroker({ url: broker.amqpUrl, name: "admin" });
  await expect(
    admin.withChannel((channel) => channel.checkQueue(client.replyQueue)),
  ).rejects.toThrow("NOT_FOUND");
});

test("an id that is in use or could name something else is refused before it is sent", async () => {
  await using broker = await openBroker();
  await using _worker = await openHandWorker(broker, () => undefined);
  await using client = await connectAmqpClient({ url: broker.amqpUrl, prefix: broker.prefix });
  await client.submit(prompt, { jobId: "once" });
  await expect(client.submit(prompt, { jobId: "once" })).rejects.toMatchObject({
    code: "CONFLICT",
  });
  await expect(client.submit(prompt, { jobId: "a.b*" })).rejects.toMatchObject({
    code: "INVALID_REQUEST",
  });
});
