import type { JobEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { type ClientOptions, createClient } from "../../src/index.ts";
import { end, preview, progress, start } from "../support/events.ts";
import { type FakeGateway, json, startFakeGateway } from "../support/fake-gateway.ts";

const quick = { baseDelayMs: 1, maxDelayMs: 5, maxFailures: 4 };

function clientOf(gateway: FakeGateway, options: Partial<ClientOptions> = {}) {
  return createClient({
    baseUrl: "http://gateway.test",
    fetch: gateway.fetch,
    WebSocket,
    backoff: quick,
    quietMs: 2_000,
    ...options,
  });
}

const watchRoute = "POST /api/v1/jobs/job-1/watch";
const viewRoute = "GET /api/v1/jobs/job-1";
const numbers = (events: readonly JobEvent[]) => events.map(({ seq }) => seq);

async function collect(events: AsyncIterable<JobEvent>, onEvent?: (event: JobEvent) => void) {
  const collected: JobEvent[] = [];
  for await (const event of events) {
    collected.push(event);
    onEvent?.(event);
  }
  return collected;
}

test("a watch that begins after the end still gives the whole log, bytes of previews included", async () => {
  await using gateway = await startFakeGateway();
  const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => (index * 7) % 256);
  gateway.publish(start(), progress(2), preview(3, bytes), end(4));

  const events = await collect(clientOf(gateway).watch("job-1"));

  expect(numbers(events)).toEqual([1, 2, 3, 4]);
  expect(events[2]).toMatchObject({ type: "node-preview", width: 8, height: 4 });
  expect(events[2]?.type === "node-preview" && Buffer.from(bytes).equals(events[2].image)).toBe(
    true,
  );
  expect(gateway.stomp.subscriptions[0]).toMatchObject({
    destination: "/amq/queue/loom.reply.job-1",
    ack: "client",
    "prefetch-count": "10",
    "x-stream-offset": "first",
  });
  await expect.poll(() => gateway.stomp.openSockets).toBe(0);
});

test("a socket that is dropped in mid-job costs no event and repeats none", async () => {
  await using gateway = await startFakeGateway();
  gateway.setState("running", 1);
  gateway.publish(start(), progress(2));
  const events = await collect(clientOf(gateway).watch("job-1"), ({ seq }) => {
    if (seq === 2) {
      gateway.stomp.drop();
      gateway.publish(progress(3), progress(4));
    }
    if (seq === 4) gateway.publish(end(5));
  });

  expect(numbers(events)).toEqual([1, 2, 3, 4, 5]);
  expect(gateway.stomp.passcodes).toEqual(["ticket-1", "ticket-2"]);
  expect(gateway.stomp.subscriptions.map((headers) => headers["x-stream-offset"])).toEqual([
    "first",
    "offset=1",
  ]);
});

test("a subscription that the server cancels on an open socket is left and made anew", async () => {
  await using gateway = await startFakeGateway();
  gateway.setState("running", 1);
  gateway.publish(start());
  const events = await collect(clientOf(gateway, { quietMs: 60_000 }).watch("job-1"), ({ seq }) => {
    if (seq !== 1) return;
    gateway.stomp.cancelSubscriptions();
    gateway.publish(end(2));
  });
  expect(numbers(events)).toEqual([1, 2]);
  expect(gateway.stomp.subscriptions).toHaveLength(2);
});

test("a reader that takes one event at a time is sent no more than the prefetch ahead", async () => {
  await using gateway = await startFakeGateway();
  gateway.publish(
    start(),
    ...Array.from({ length: 40 }, (_, index) => progress(index + 2)),
    end(42),
  );
  const reader = clientOf(gateway).watch("job-1")[Symbol.asyncIterator]();
  await reader.next();
  await reader.next();
  expect(gateway.stomp.acknowledged).toEqual([]);
  await reader.next();
  await expect.poll(() => gateway.stomp.acknowledged).toEqual([1]);
  await reader.return?.();
  await expect.poll(() => gateway.stomp.openSockets).toBe(0);
});

test("what was taken is acknowledged when the job says nothing for a while", async () => {
  await using gateway = await startFakeGateway();
  gateway.setState("running", 1);
  gateway.publish(start());
  const events = await collect(clientOf(gateway, { quietMs: 20 }).watch("job-1"), async () => {
    if (gateway.stomp.acknowledged.length > 0) return;
    await expect.poll(() => gateway.stomp.acknowledged).toEqual([0]);
    gateway.publish(end(2));
  });
  expect(numbers(events)).toEqual([1, 2]);
});

test("after every close the job's state is asked for before the next try", async () => {
  await using gateway = await startFakeGateway();
  gateway.setState("running", 1);
  gateway.stomp.refuseSubscriptions(2);
  gateway.publish(start(), end(2));
  gateway.setState("running", 1);
  await collect(clientOf(gateway).watch("job-1"));
  expect(gateway.countOf(watchRoute)).toBe(3);
  expect(gateway.countOf(viewRoute)).toBe(2);
});

test("a job that ended and whose stream is refused ends from its record, with the gap announced", async () => {
  await using gateway = await startFakeGateway();
  gateway.publish(start(), progress(2), end(3));
  gateway.stomp.refuseSubscriptions(99);
  const events = await collect(clientOf(gateway).watch("job-1"));
  expect(events).toMatchObject([
    { type: "job-gap", from: 1, to: 2 },
    { type: "job-end", seq: 3, state: "succeeded", outputs: { "9": { images: [{}] } } },
  ]);
});

test("an end that never comes over an open socket is taken from the job's record", async () => {
  await using gateway = await startFakeGateway();
  gateway.publish(start());
  gateway.setState("cancelled", 1);
  const events = await collect(clientOf(gateway, { quietMs: 20 }).watch("job-1"));
  expect(events.at(-1)).toMatchObject({ type: "job-end", state: "cancelled", seq: 2 });
});

test("numbers that the stream no longer holds are announced, with what the job's record knows", async () => {
  await using gateway = await startFakeGateway();
  gateway.setState("running", 1);
  gateway.publish(progress(8), end(9));
  const events = await collect(clientOf(gateway).watch("job-1"));
  expect(events.map(({ type }) => type)).toEqual([
    "job-gap",
    "job-snapshot",
    "node-progress",
    "job-end",
  ]);
});

test("a job that nobody knows is an error at once, without another try", async () => {
  await using gateway = await startFakeGateway();
  await expect(collect(clientOf(gateway).watch("job-2"))).rejects.toMatchObject({
    code: "NOT_FOUND",
  });
  expect(gateway.countOf("POST /api/v1/jobs/job-2/watch")).toBe(1);
});

test("a ticket that is refused for good is an error at once while the job runs", async () => {
  await using gateway = await startFakeGateway();
  gateway.setState("running", 1);
  gateway.answer(watchRoute, () => json(403, { code: "FORBIDDEN", detail: "not your job" }));
  await expect(collect(clientOf(gateway).watch("job-1"))).rejects.toMatchObject({
    code: "FORBIDDEN",
  });
});

test("a gateway that is away for a moment is waited for, one that stays away is given up", async () => {
  await using gateway = await startFakeGateway();
  gateway.publish(start(), end(2));
  const away = () => json(503, { code: "STORE_UNAVAILABLE", detail: "Redis is away" });
  gateway.answer(watchRoute, away, away);
  gateway.answer(viewRoute, away, away);
  expect(numbers(await collect(clientOf(gateway).watch("job-1")))).toEqual([1, 2]);

  const gone = clientOf(gateway, {
    fetch: () => Promise.reject(new TypeError("fetch failed")),
  });
  await expect(collect(gone.watch("job-1"))).rejects.toMatchObject({
    code: "CONNECTION_LOST",
    message: expect.stringContaining("fetch failed"),
  });
});

test("where no WebSocket can be opened the events come as server-sent events", async () => {
  await using gateway = await startFakeGateway();
  gateway.setState("running", 1);
  gateway.publish(start(), preview(2), progress(3));
  gateway.answer(watchRoute, ...[1, 2].map(() => deadTicket));
  const events = await collect(clientOf(gateway).watch("job-1"), ({ seq }) => {
    if (seq === 3) gateway.publish(end(4));
  });
  expect(numbers(events)).toEqual([1, 2, 3, 4]);
  expect(events[1]).toMatchObject({ image: new Uint8Array([255, 216, 0, 10, 13]) });
  expect(gateway.stomp.subscriptions).toEqual([]);
  const resumed = gateway.requests.filter(({ url }) => url.endsWith("/events"));
  expect(resumed.map(({ headers }) => headers.get("last-event-id"))).toEqual([null, "3"]);
});

/** A port where nobody listens. */
function deadTicket() {
  return json(200, {
    url: "ws://127.0.0.1:1/stomp",
    host: "/",
    login: "job.job-1",
    passcode: "x",
    destination: "/amq/queue/loom.reply.job-1",
    headers: { ack: "client-individual", "prefetch-count": "10", "x-stream-offset": "first" },
    expiresAt: "2026-01-02T03:04:05.000Z",
    lastSeq: 0,
  });
}

test("a signal ends a watch with its reason, while it reads and while it waits to try again", async () => {
  await using gateway = await startFakeGateway();
  gateway.setState("running", 1);
  gateway.publish(start());
  const reading = new AbortController();
  const watched = collect(clientOf(gateway).watch("job-1", { signal: reading.signal }), () =>
    reading.abort(new Error("enough")),
  );
  await expect(watched).rejects.toThrow("enough");
  await expect.poll(() => gateway.stomp.openSockets).toBe(0);

  gateway.stomp.refuseSubscriptions(99);
  const patient = clientOf(gateway, { backoff: { baseDelayMs: 60_000, maxDelayMs: 60_000 } });
  const waiting = new AbortController();
  const waited = collect(patient.watch("job-1", { signal: waiting.signal }));
  await expect.poll(() => gateway.countOf(viewRoute)).toBeGreaterThan(0);
  waiting.abort();
  await expect(waited).rejects.toMatchObject({ name: "AbortError" });
});

test("a bad passcode is not tried for ever", async () => {
  await using gateway = await startFakeGateway();
  gateway.setState("running", 1);
  gateway.stomp.refuseConnects(99);
  const client = clientOf(gateway, { transport: "stomp" });
  await expect(collect(client.watch("job-1"))).rejects.toMatchObject({
    code: "CONNECTION_LOST",
    message: expect.stringContaining("Bad CONNECT"),
  });
  expect(gateway.countOf(watchRoute)).toBe(quick.maxFailures + 1);
});
