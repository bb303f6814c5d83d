import { topology } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { streamKeeper } from "../../src/watch/stream-keeper.ts";
import { memoryAmqp } from "../support/memory-amqp.ts";
import { memoryStore } from "../support/memory-store.ts";

const names = topology({ prefix: "test" });

function setUp() {
  const store = memoryStore();
  const amqp = memoryAmqp({ onEvents: () => {}, onGap: () => {}, onUnreadable: () => {} });
  let now = Date.now();
  const keeper = streamKeeper({
    store,
    streams: amqp.streams,
    publisher: amqp.publisher,
    keepMs: 60_000,
    now: () => now,
  });
  const submit = (jobId: string) =>
    store.submit({
      message: { v: 1, jobId, prompt: {}, extraData: {}, lane: "normal", pool: "default" },
    });
  const pass = (ms: number) => {
    now += ms;
  };
  return { store, amqp, keeper, submit, pass };
}

test("a stream outlives its job by the time it is kept, and no longer", async () => {
  const { store, amqp, keeper, submit, pass } = setUp();
  await submit("a");
  await keeper.begin("a");
  expect(await keeper.sweep()).toBe(0);
  store.end("a", { state: "succeeded" });
  pass(59_000);
  expect(await keeper.sweep()).toBe(0);
  pass(2_000);
  expect(await keeper.sweep()).toBe(1);
  expect(amqp.streamed.has("a")).toBe(false);
  expect(await store.streams()).toEqual([]);
});

test("streams of jobs that are no longer known are strays", async () => {
  const { store, amqp, keeper } = setUp();
  for (const jobId of ["forgotten", "expired"]) {
    await store.noteStream(jobId);
    await amqp.streams.create(jobId);
  }
  store.expired.add("expired");
  expect(await keeper.sweep()).toBe(2);
  expect(amqp.streamed.size).toBe(0);
});

test("a stream made after the end holds what is still known, under the numbers the log ended with", async () => {
  const { store, amqp, keeper, submit } = setUp();
  await submit("a");
  store.start("a");
  store.end("a", {
    state: "failed",
    lastSeq: 7,
    error: { code: "NODE_FAILED", message: "boom", retryable: false },
  });
  const job = await store.view("a");
  if (job === undefined) throw new Error("no job");
  await keeper.ensure(job);
  expect(amqp.streamed.get("a")).toMatchObject([
    { type: "job-snapshot", attempt: 1, seq: 6, state: "failed" },
    { type: "job-end", attempt: 1, seq: 7, state: "failed", error: { message: "boom" } },
  ]);
  expect(names.reply("a")).toBe("test.reply.a");
});
