import { type JobStore, jobError } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { jobSweeper } from "../../src/recover/job-sweeper.ts";
import { memoryStore } from "../support/memory-store.ts";

const MISSING_MS = 1_000;
const error = jobError("QUEUE_DEADLINE", "too late");
const late = (jobId: string) => ({ jobId, attempt: 1, error });

/** A sweeper whose clock the test sets, and whose broker refuses the ends of the jobs in `refused`. */
function openSweeper(store: JobStore) {
  const said: string[] = [];
  const refused = new Set<string>();
  const clock = { nowMs: 0 };
  const sweeper = jobSweeper({
    store,
    publisher: {
      publishJob: () => Promise.reject(new Error("no job is published")),
      async publishEvents(_word, [{ jobId }]) {
        if (refused.has(jobId)) throw new CodedError("QUEUE_FULL", `${jobId} is not taken`);
        said.push(jobId);
      },
    },
    streams: { create: async () => {} },
    lanes: { ready: async () => 0 },
    gatewayId: "g",
    missingMs: MISSING_MS,
    deliveryLimit: 3,
    leaseMs: 5_000,
    hasOwnQueues: false,
    now: () => clock.nowMs,
  });
  return { sweeper, said, refused, clock };
}

test("one end that cannot be said keeps none of those that ended with it", async () => {
  const store = { ...memoryStore(), expire: async () => ["a", "b", "c"].map(late) };
  const { sweeper, said, refused } = openSweeper(store);
  refused.add("a");

  await expect(sweeper.sweep()).rejects.toThrow("a is not taken");
  expect(said).toEqual(["b", "c"]);
});

test("a step of a sweep that fails keeps none of the others", async () => {
  const store: JobStore = {
    ...memoryStore(),
    expire: () => Promise.reject(new Error("no job expires")),
    unsaid: async () => [{ jobId: "a", endedAt: "1" }],
    unsaidEnd: async (jobId) => ({ ...late(jobId), state: "failed" }),
  };
  const { sweeper, said, clock } = openSweeper(store);

  await expect(sweeper.sweep()).rejects.toThrow("no job expires");
  clock.nowMs = MISSING_MS;
  await expect(sweeper.sweep()).rejects.toThrow("no job expires");
  expect(said).toEqual(["a"]);
});

test("an unsaid end is said once whoever ended the job has had time to, and tried again no sooner", async () => {
  const unsaid = new Set(["a", "b"]);
  const store: JobStore = {
    ...memoryStore(),
    unsaid: async () => [...unsaid].map((jobId) => ({ jobId, endedAt: "1" })),
    unsaidEnd: async (jobId) => ({ ...late(jobId), state: "failed" }),
    noteAnnounced: async (jobId) => void unsaid.delete(jobId),
  };
  const { sweeper, said, refused, clock } = openSweeper(store);
  refused.add("a");

  await sweeper.sweep();
  clock.nowMs = MISSING_MS - 1;
  await sweeper.sweep();
  expect(said).toEqual([]);
  clock.nowMs = MISSING_MS;
  await expect(sweeper.sweep()).rejects.toThrow("a is not taken");
  expect(said).toEqual(["b"]);

  refused.clear();
  await sweeper.sweep();
  expect(said).toEqual(["b"]);
  clock.nowMs += MISSING_MS;
  expect(await sweeper.sweep()).toMatchObject({ said: 1 });
  expect(said).toEqual(["b", "a"]);
});

test("an unsaid end that cannot be read keeps no other", async () => {
  const store: JobStore = {
    ...memoryStore(),
    unsaid: async () => ["a", "b"].map((jobId) => ({ jobId, endedAt: "1" })),
    unsaidEnd: async (jobId) => {
      if (jobId === "a") throw new Error("a cannot be read");
      return { ...late(jobId), state: "failed" };
    },
  };
  const { sweeper, said, clock } = openSweeper(store);

  await sweeper.sweep();
  clock.nowMs = MISSING_MS;
  await expect(sweeper.sweep()).rejects.toThrow("a cannot be read");
  expect(said).toEqual(["b"]);
});
