import { connectBroker, openLaneSource } from "@rabbitloom/broker";
import { expect, test } from "vitest";
import { openFleet, type TestFleet } from "./support/fleet.ts";
import { GET_OK, openFrameCutter } from "./support/frame-cutter.ts";
import { until } from "./support/until.ts";

function openSource(fleet: TestFleet) {
  return openLaneSource(fleet.connection, {
    name: "test lanes",
    queues: fleet.names.jobs.queues("default"),
  });
}

test("a source that waits for jobs stops waiting whenever its signal aborts", async () => {
  await using fleet = await openFleet();
  await using source = openSource(fleet);

  // Later and later into its look at three empty lanes, and into its waiting.
  for (let delayMs = 0; delayMs < 12; delayMs += 0.5) {
    const stopping = new AbortController();
    const next = source.next(stopping.signal);
    setTimeout(() => stopping.abort(new Error("stop")), delayMs);
    await expect(next).rejects.toThrow("stop");
  }

  await fleet.send("still there");
  const delivery = await source.next(new AbortController().signal);
  expect(delivery.body.toString()).toBe("still there");
  expect(delivery.deliveryCount).toBe(0);
});

test("two jobs that reach an idle source together are both delivered, one of them to somebody else", async () => {
  await using fleet = await openFleet();
  await using source = openSource(fleet);
  const first = source.next(new AbortController().signal);
  await until("the source consumes", () =>
    fleet.connection.withChannel(async (channel) => {
      const queues = fleet.names.jobs.queues("default");
      const counts = await Promise.all(queues.map((queue) => channel.checkQueue(queue)));
      return counts.every(({ consumerCount }) => consumerCount === 1);
    }),
  );

  await Promise.all([
    fleet.send("high", { key: "high.default" }),
    fleet.send("low", { key: "low.default" }),
  ]);
  await using other = openSource(fleet);
  const taken = [await first, await other.next(new AbortController().signal)];

  expect(new Set(taken.map(({ body }) => body.toString()))).toEqual(new Set(["high", "low"]));
});

test("what a source held when its connection was cut is delivered again", async () => {
  await using fleet = await openFleet();
  await fleet.send("job");
  const cut = await connectBroker({ url: fleet.amqpUrl, name: "cut" });
  const queues = fleet.names.jobs.queues("default");
  const lost = openLaneSource(cut, { name: "lost", queues });
  const delivery = await lost.next(new AbortController().signal);
  await cut[Symbol.asyncDispose]();

  await using source = openSource(fleet);
  const again = await source.next(new AbortController().signal);

  expect(delivery.settle({ type: "ack" })).toBe(false);
  expect(again).toMatchObject({ redelivered: true, deliveryCount: 1 });
  expect(again.body.toString()).toBe("job");
});

test("a source whose connection is cut in the middle of a message gets it on the next one", async () => {
  await using fleet = await openFleet();
  await fleet.send("job");
  await using proxy = await openFrameCutter(fleet.amqpUrl, { method: GET_OK, passes: true });
  await using connection = await connectBroker({ url: proxy.url, name: "cut", waitMs: 60_000 });
  const queues = fleet.names.jobs.queues("default");
  await using source = openLaneSource(connection, { name: "cut", queues });

  const delivery = await source.next(AbortSignal.timeout(60_000));

  expect(proxy.cuts).toBe(1);
  expect(delivery.body.toString()).toBe("job");
});
