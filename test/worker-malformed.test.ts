import { type Delivery, delivery } from "@rabbitloom/broker";
import { decodeEvents, type JobEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { openFleet, type TestFleet } from "./support/fleet.ts";
import { text } from "./support/toy-prompts.ts";
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
