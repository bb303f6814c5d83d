import { jobMessageSchema, topology } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { streamKeeper } from "../../src/watch/stream-keeper.ts";
import { memoryAmqp } from "../support/memory-amqp.ts";
import { memoryStore } from "../support/memory-store.ts";

const names = topology({ prefix: "test" });

/** `stuck` are jobs whose streams the broker neither makes nor deletes. */
function setUp(stuck: ReadonlySet<string> = new Set()) {
  const store = memoryStore();
  const amqp = memoryAmqp({
    onEvents: () => {},
    onClassChecks: () => {},
    onGap: () => {},
    onStreamFound: async () => {},
    onUnreadable: () => {},
  });
  let now = 0;
  const keeper = streamKeeper({
    store,
    streams: {
      ...amqp.streams,
      async create(jobId) {
        if (stuck.has(jobId)) throw new Error(`${jobId} is stuck`);
        await amqp.streams.create(jobId);
      },
      async delete(jobId) {
        if (stuck.has(jobId)) throw new Error(`${jobId} is stuck`);
        await amqp.streams.delete(jobId);
      },
    },
    publisher: amqp.publisher,
    keepMs: 60_000,
    now: () => now,
  });
  const submit = (jobId: string) =>
    store.submit({
      message: { ...jobMessageSchema.parse({ prompt: {} }), jobId },
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
  expect(await keeper.sweep()).toBe(0);
  pass(59_000);
  expect(await keeper.sweep()).toBe(0);
  pass(2_000);
  expect(await keeper.sweep()).toBe(1);
  expect(amqp.streamed.has("a")).toBe(false);
  expect(await store.streams()).toEqual([]);
});

test("streams of jobs that stay unknown are strays", async () => {
  const { store, amqp, keeper, pass } = setUp();
  for (const jobId of ["forgotten", "expired"]) {
    await store.noteStream(jobId);
    await amqp.streams.create(jobId);
  }
  store.expired.add("expired");
  expect(await keeper.sweep()).toBe(0);
  pass(60_000);
  expect(await keeper.sweep()).toBe(2);
  expect(amqp.streamed.size).toBe(0);
});

test("a stream that cannot be deleted is tried again and keeps no other one", async () => {
  const stuck = new Set(["a"]);
  const { store, amqp, keeper, pass } = setUp(stuck);
  for (const jobId of ["a", "b"]) {
    await store.noteStream(jobId);
    await amqp.streams.create(jobId);
  }
  await keeper.sweep();
  pass(60_000);
  await expect(keeper.sweep()).rejects.toThrow("a is stuck");
  expect([...amqp.streamed.keys()]).toEqual(["a"]);
  stuck.clear();
  expect(await keeper.sweep()).toBe(1);
});

test("a stream that Redis has forgotten is deleted by the gateway that made it", async () => {
  const { store, amqp, keeper, submit, pass } = setUp();
  await submit("a");
  await keeper.begin("a");
  await store.forgetStream("a");
  store.end("a", { state: "succeeded" });
  await keeper.sweep();
  pass(60_000);
  expect(await keeper.sweep()).toBe(1);
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
  const job = await store.view("every-tenant", "a");
  if (job === undefined) throw new Error("no job");
  await keeper.ensure(job);
  expect(amqp.streamed.get("a")).toMatchObject([
    { type: "job-snapshot", attempt: 1, seq: 6, state: "failed" },
    { type: "job-end", attempt: 1, seq: 7, state: "failed", error: { message: "boom" } },
  ]);
  expect(names.reply("a")).toBe("test.reply.a");
});

test("a stream that could not be made for its submission is made for whoever watches next", async () => {
  const stuck = new Set(["a"]);
  const { store, amqp, keeper, submit } = setUp(stuck);
  await submit("a");
  await expect(keeper.begin("a")).rejects.toThrow("a is stuck");
  const job = await store.view("every-tenant", "a");
  if (job === undefined) throw new Error("no job");
  await expect(keeper.ensure(job)).rejects.toThrow("a is stuck");
  stuck.clear();
  await keeper.ensure(job);
  expect([...amqp.streamed.keys()]).toEqual(["a"]);
});
