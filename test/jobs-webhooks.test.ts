/** A hook comes and goes with its job's record. */
import type { JobStore } from "@rabbitloom/jobs";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { claimed, job, openStore, outcome, withdrawn } from "./support/job-store.ts";
import { openRedis } from "./support/redis.ts";

const told = { url: "https://one.example/hook", secret: "whsec_b25l" };
const toldOther = { url: "https://other.example/hook" };

async function run(store: JobStore, jobId: string): Promise<void> {
  await store.finish(jobId, await claimed(store, jobId), outcome);
}

async function owed(store: JobStore) {
  const taken = await store.takeWebhooks({ leaseMs: 0, most: 10 });
  return taken.map(({ jobId, url, secret, state }) => ({ jobId, url, secret, state }));
}

test("a record that is written has its hook, whatever becomes of who wrote it", async () => {
  await using opened = await openStore();
  const { store, other } = opened;
  await store.submit({ message: job({ jobId: "told" }), webhook: told });
  await store.submit({
    message: job({ jobId: "begun" }),
    webhook: { ...toldOther, states: ["running"] },
  });

  for (const jobId of ["told", "begun"]) await run(other, jobId);

  const due = await owed(other);
  expect(due).toHaveLength(2);
  expect(due).toContainEqual({ jobId: "told", state: "succeeded", ...told });
  expect(due).toContainEqual({ jobId: "begun", state: "running", secret: undefined, ...toldOther });
});

test("whoever was to be told of a job that was withdrawn is told of no later one of its id", async () => {
  await using opened = await openStore();
  const { store } = opened;
  await store.submit({ message: job({ jobId: "again" }), webhook: told });
  await withdrawn(store, "again");

  await store.submit({ message: job({ jobId: "again" }) });
  await run(store, "again");

  expect(await owed(store)).toEqual([]);
});

test("a later job of an id is told to its own hook alone, whatever is still owed of the earlier one", async () => {
  await using opened = await openStore();
  const { store } = opened;
  await store.submit({ message: job({ jobId: "again" }), webhook: told });
  await run(store, "again");
  await store.forget("every-tenant", ["again"]);

  await store.submit({ message: job({ jobId: "again" }), webhook: toldOther });
  const before = await owed(store);
  await run(store, "again");

  expect(before).toEqual([]);
  expect(await owed(store)).toEqual([
    { jobId: "again", state: "succeeded", secret: undefined, ...toldOther },
  ]);
});

test("a hook that an earlier version noted for its record is told, and one that it left behind is not", async () => {
  await using opened = await openStore();
  const { store } = opened;
  await using redis = await openRedis();
  const admin = new Redis(redis.redisUrl);
  const hook = { url: told.url, secret: told.secret, states: ",succeeded," };
  const note = (jobId: string) => admin.hset(`{${opened.prefix}}:webhook:${jobId}`, hook);
  await note("stale");
  for (const jobId of ["noted", "stale"]) await store.submit({ message: job({ jobId }) });
  await note("noted");
  await admin.quit();

  for (const jobId of ["noted", "stale"]) await run(store, jobId);

  expect(await owed(store)).toEqual([{ jobId: "noted", state: "succeeded", ...told }]);
});
