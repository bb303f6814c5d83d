import { type Delivery, delivery } from "@rabbitloom/broker";
import { decodeEvents, type JobEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { openFleet, type TestFleet } from "./support/fleet.ts";
import { job } from "./support/job-store.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

/** The next message of a queue; waits for it. */
async function take(fleet: TestFleet, queue: string): Promise<Delivery> {
  let taken: Delivery | undefined;
  await until(`a message in ${queue}`, () =>
    fleet.connection.withChannel(async (channel) => {
      const message = await channel.get(queue, { noAck: true });
      if (message !== false) taken = delivery(message);
      return taken !== undefined;
    }),
  );
  if (taken === undefined) throw new Error("unreachable");
  return taken;
}

test.each([
  { what: "no JSON", body: "{oops", reason: /^INVALID_JSON: JSON, line 1, column 2/ },
  { what: "no prompt", body: "{}", reason: /^INVALID_REQUEST: job message: prompt: / },
  { what: "an array", body: "[]", reason: /^INVALID_REQUEST: job message: / },
  { what: "an id that is none", body: '{"jobId":"a b","prompt":{}}', reason: /jobId/ },
  { what: "an empty body", body: "", reason: /^INVALID_JSON/ },
])(
  "a message with $what goes to the dead letters with the reason, and the next job runs",
  async ({ body, reason }) => {
    await using fleet = await openFleet();
    await fleet.startWorker();

    await fleet.send(body, { messageId: "odd" });
    const letter = await take(fleet, fleet.names.dead.queue);

    expect(letter.body.toString()).toBe(body);
    expect(letter.headers["loom-reason"]).toMatch(reason);
    expect(await fleet.jobs.ended(await fleet.submit(text("next")))).toMatchObject({
      state: "succeeded",
    });
  },
);

test("a message without any id is no job", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();

  await fleet.send(JSON.stringify({ prompt: text("who?") }));
  const letter = await take(fleet, fleet.names.dead.queue);

  expect(letter.headers["loom-reason"]).toMatch(/expected an id .* got undefined/);
});

test("who sent a malformed message with a reply queue is told that it failed", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();
  const queue = fleet.names.service("careless");
  await fleet.connection.withChannel((channel) => channel.assertQueue(queue, { durable: true }));

  await fleet.send("{oops", { messageId: "odd-1", replyTo: queue, correlationId: "c-1" });
  const reply = await take(fleet, queue);

  const { body } = reply;
  const events: JobEvent[] = decodeEvents({
    ...reply,
    text: () => body.toString(),
    bytes: () => body,
  });
  expect(reply.correlationId).toBe("c-1");
  expect(events).toMatchObject([
    { type: "job-end", jobId: "odd-1", state: "failed", error: { code: "INVALID_JSON" } },
  ]);
});

test("a message whose headers leave no room for the reason, or whose reason is as long as it is, goes to the dead letters, and the next job runs", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();
  const key = "k".repeat(500_000);
  const bodies = [`{"prompt":{"${key}":1}}`, `{"jobId":"${key}","prompt":{}}`, "{oops"];

  for (const body of bodies) {
    await fleet.send(body, { messageId: "odd", headers: { pad: "p".repeat(65_400) } });
    const letter = await take(fleet, fleet.names.dead.queue);
    expect(letter.body.toString()).toBe(body);
    expect(letter.headers["loom-reason"]).toMatch(/^INVALID_/);
    expect(letter.headers).not.toHaveProperty("pad");
  }
  expect(await fleet.jobs.ended(await fleet.submit(text("next")))).toMatchObject({
    state: "succeeded",
  });
});

const noPrompt = (jobId: string, tenant?: string) => JSON.stringify({ jobId, tenant, prompt: 1 });

test("a job that a gateway accepted and no worker can read has failed, and that is said once", async () => {
  await using fleet = await openFleet();
  const message = job({ jobId: "unread", tenant: "acme", gatewayId: "gw" });
  await fleet.store.submit({ message });
  await fleet.startWorker();

  await fleet.send(noPrompt("unread", "acme"), { messageId: "unread" });
  expect(await fleet.jobs.ended("unread")).toMatchObject({
    attempt: 1,
    state: "failed",
    error: { code: "INVALID_REQUEST" },
  });
  await until("it is noted that the end was said", async () => {
    const record = await fleet.store.find({ tenant: "acme" }, "unread");
    return record?.state === "failed" && record.isAnnounced;
  });

  await fleet.send(noPrompt("unread", "acme"), { messageId: "unread", replyTo: "nobody" });
  await fleet.jobs.ended(await fleet.submit(text("next")));
  await until("both messages are dead letters", () =>
    fleet.connection.withChannel(
      async (channel) => (await channel.checkQueue(fleet.names.dead.queue)).messageCount === 2,
    ),
  );
  expect(fleet.jobs.events("unread")).toHaveLength(1);
});

test("a malformed message ends no job of another tenant's, none that has run, and none under another id", async () => {
  await using fleet = await openFleet();
  await fleet.store.submit({ message: job({ jobId: "acmes", tenant: "acme" }) });
  await fleet.store.submit({ message: job({ jobId: "other" }) });
  const ran = job({ jobId: "ran" });
  await fleet.store.submit({ message: ran });
  await fleet.store.claim({ message: ran, workerId: "gone" });
  await fleet.store.release("ran", 1);
  await fleet.startWorker();
  const queue = fleet.names.service("careless");
  await fleet.connection.withChannel((channel) => channel.assertQueue(queue, { durable: true }));

  for (const [body, messageId] of [
    [noPrompt("acmes"), "acmes"],
    [noPrompt("acmes", "beta"), "acmes"],
    ["{oops", "acmes"],
    [noPrompt("ran"), "ran"],
    [noPrompt("another"), "other"],
  ] as const) {
    await fleet.send(body, { messageId, replyTo: queue, correlationId: messageId });
    const reply = await take(fleet, queue);
    expect(reply.correlationId).toBe(messageId);
    expect(JSON.parse(reply.body.toString())).toMatchObject([{ type: "job-end", attempt: 0 }]);
  }
  for (const jobId of ["acmes", "other", "ran"]) {
    expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({ state: "pending" });
    expect(fleet.jobs.events(jobId)).toEqual([]);
  }
});

test("a dead letter is of the job that its body names, not of one that its message id names", async () => {
  await using fleet = await openFleet();
  for (const jobId of ["victim", "named"]) {
    const message = job({ jobId });
    await fleet.store.submit({ message });
    await fleet.store.claim({ message, workerId: "gone" });
    await fleet.store.release(jobId, 1, { code: "INTERNAL", message: "", retryable: true });
  }
  await fleet.startWorker();
  const bury = (messageId: string, jobId: string) =>
    fleet.publisher.publish({
      exchange: fleet.names.dead.exchange,
      routingKey: "normal.default",
      body: Buffer.from(JSON.stringify({ jobId, prompt: {} })),
      persistent: true,
      messageId,
    });

  await bury("victim", "named");
  expect(await fleet.jobs.ended("named")).toMatchObject({ state: "dead" });
  expect(await fleet.store.view("every-tenant", "victim")).toMatchObject({ state: "pending" });
});

test("another tenant's message under the id of a job that runs is not told how that ended", async () => {
  await using fleet = await openFleet();
  const replies = fleet.names.service("curious");
  const lane = fleet.names.jobs.queue("normal", "default");
  await fleet.connection.withChannel((channel) => channel.assertQueue(replies, { durable: true }));
  const prompt = steps({ steps: 20, ms: 100 });
  await fleet.submit(prompt, { jobId: "secret", tenant: "acme", lane: "high" });
  const foreign = JSON.stringify({ jobId: "secret", prompt: text("x") });
  await fleet.send(foreign, { messageId: "secret", replyTo: replies });
  const worker = await fleet.connection.withChannel(async (channel) => {
    let held = await channel.get(lane);
    await until("the foreign message is there", async () => {
      if (held === false) held = await channel.get(lane);
      return held !== false;
    });
    const started = await fleet.startWorker({ slots: 2 });
    await fleet.jobs.event("secret", "job-start");
    if (held !== false) channel.nack(held);
    return started;
  });

  expect(await fleet.jobs.ended("secret")).toMatchObject({ state: "succeeded" });
  // Everything is settled then.
  await worker.drain();
  const ends = fleet.jobs.events("secret").filter(({ type }) => type === "job-end");
  expect(ends).toHaveLength(1);
  const { messageCount } = await fleet.connection.withChannel((channel) =>
    channel.checkQueue(replies),
  );
  expect(messageCount).toBe(0);
});
