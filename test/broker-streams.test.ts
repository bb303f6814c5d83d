import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  connectBroker,
  createReplyStream,
  deleteReplyStream,
  readReplyStream,
} from "@rabbitloom/broker";
import { expect, test } from "vitest";
import { openFleet, type TestFleet } from "./support/fleet.ts";
import { CLOSE_OK, openFrameCutter } from "./support/frame-cutter.ts";

/** Says `count` events of a job, numbered from `first` on. */
async function say(fleet: TestFleet, jobId: string, first: number, count: number): Promise<void> {
  for (let number = first; number < first + count; number++) {
    fleet.publisher.post({
      exchange: fleet.names.events.exchange,
      routingKey: fleet.names.events.key("gateway", jobId),
      body: Buffer.from(`{"number":${number}}`),
      type: "test",
    });
  }
  await fleet.publisher.flush();
}

async function read(
  fleet: TestFleet,
  jobId: string,
  { from, count }: { readonly from?: number; readonly count: number },
): Promise<string[]> {
  const texts: string[] = [];
  const options = { jobId, ...(from !== undefined && { offset: from }) };
  for await (const { offset, body } of readReplyStream(fleet.connection, fleet.names, options)) {
    texts.push(`${offset} ${body.toString()}`);
    if (texts.length === count) break;
  }
  return texts;
}

const numbered = (first: number, last: number) =>
  Array.from(
    { length: last - first + 1 },
    (_, index) => `${first + index} {"number":${first + index}}`,
  );

test("every reader of a job's stream gets everything from its own offset on", async () => {
  await using fleet = await openFleet();
  await createReplyStream(fleet.connection, fleet.names, "j");
  await createReplyStream(fleet.connection, fleet.names, "j");
  await say(fleet, "j", 0, 50);
  await say(fleet, "other", 0, 5);

  const late = await Promise.all([
    read(fleet, "j", { count: 50 }),
    read(fleet, "j", { from: 40, count: 10 }),
  ]);
  const live = read(fleet, "j", { from: 48, count: 7 });
  await say(fleet, "j", 50, 5);

  expect(late).toEqual([numbered(0, 49), numbered(40, 49)]);
  expect(await live).toEqual(numbered(48, 54));
});

test("a stream that is not there, or goes away, ends its readers with a reason", async () => {
  await using fleet = await openFleet();
  await expect(read(fleet, "nobody", { count: 1 })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await createReplyStream(fleet.connection, fleet.names, "j");
  await say(fleet, "j", 0, 1);
  const messages = readReplyStream(fleet.connection, fleet.names, { jobId: "j" });
  await messages.next();

  await deleteReplyStream(fleet.connection, fleet.names, "j");
  await deleteReplyStream(fleet.connection, fleet.names, "j");

  await expect(messages.next()).rejects.toMatchObject({ code: "CONNECTION_LOST" });
});

test("a reader stops when its signal aborts", async () => {
  await using fleet = await openFleet();
  await createReplyStream(fleet.connection, fleet.names, "j");
  await say(fleet, "j", 0, 1);
  const stop = new AbortController();
  const options = { jobId: "j", signal: stop.signal };
  const messages = readReplyStream(fleet.connection, fleet.names, options);
  await messages.next();
  const next = messages.next();

  stop.abort();

  expect(await next).toEqual({ done: true, value: undefined });
});

test("readers that take nothing have the broker keep the stream, and still get all of it", async () => {
  await using fleet = await openFleet();
  const [count, bytes, readers] = [400, 100_000, 5];
  await createReplyStream(fleet.connection, fleet.names, "j");
  for (let number = 0; number < count; number++) {
    fleet.publisher.post({
      exchange: fleet.names.events.exchange,
      routingKey: fleet.names.events.key("gateway", "j"),
      body: Buffer.alloc(bytes, number),
      type: "test",
    });
  }
  await fleet.publisher.flush();
  const open = () => readReplyStream(fleet.connection, fleet.names, { jobId: "j" });
  // Over the connection of those that wait: when the second of these has read everything, so have they what they may.
  const readAll = async (messages = open(), from = 0) => {
    let number = from;
    for await (const { body } of messages) {
      expect(body[0]).toBe(number % 256);
      number += 1;
      if (number === count) break;
    }
  };
  await readAll();
  const before = await heldBytes();

  const paused = Array.from({ length: readers }, open);
  for (const messages of paused) expect((await messages.next()).value?.offset).toBe(0);
  await readAll();
  await readAll();

  // All of it would be 200 MB.
  expect((await heldBytes()) - before).toBeLessThan((readers * count * bytes) / 4);
  for (const messages of paused) await readAll(messages, 1);
});

/** What buffers hold once what nobody holds any more is gone. */
async function heldBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("this Node.js gives no hold of its collector");
  for (let i = 0; i < 3; i++) {
    collect();
    await setImmediate();
  }
  return process.memoryUsage().arrayBuffers;
}

test("a reader whose connection is cut while it leaves comes to its end", async () => {
  await using fleet = await openFleet();
  await createReplyStream(fleet.connection, fleet.names, "j");
  await say(fleet, "j", 0, 1);
  await using cutter = await openFrameCutter(fleet.amqpUrl, { method: CLOSE_OK, passes: false });
  await using connection = await connectBroker({ url: cutter.url, name: "cut", waitMs: 60_000 });

  const texts: string[] = [];
  for await (const { body } of readReplyStream(connection, fleet.names, { jobId: "j" })) {
    texts.push(body.toString());
    break;
  }

  expect(cutter.cuts).toBe(1);
  expect(texts).toEqual(['{"number":0}']);
});
