import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { openStore } from "./support/job-store.ts";
import { openRedis } from "./support/redis.ts";

const key = { name: "v1:default:order-1", holder: "gateway", fingerprint: "f", keepMs: 60_000 };

test("what is said of a key a second time says nothing on its holder's next hold", async () => {
  await using opened = await openStore();
  const { store } = opened;
  await store.keepHolding("gateway", 60_000);
  const first = { ...key, hold: "first" };
  const second = { ...key, hold: "second" };
  await store.takeKey({ ...first, jobId: "job-1" });
  await store.forgetKey(first);
  const taken = await store.takeKey({ ...second, jobId: "job-2" });

  // Its answer was lost: it is said again, as the other words would be.
  await store.forgetKey(first);
  await store.answerKey(first, 202);
  await store.leaveKey(first, true);

  expect(taken).toEqual({ type: "new", jobId: "job-2" });
  expect(await store.takeKey({ ...key, hold: "third", jobId: "job-3" })).toEqual({
    type: "held",
    jobId: "job-2",
  });
  await store.answerKey(second, 202);
  expect(await store.takeKey({ ...key, hold: "fourth", jobId: "job-4" })).toEqual({
    type: "answered",
    jobId: "job-2",
    status: 202,
  });
});

test("a key that a gateway of an earlier version holds is held, and resumed once that one is gone", async () => {
  await using opened = await openStore();
  const { store, prefix } = opened;
  await using redis = await openRedis();
  const admin = new Redis(redis.redisUrl);
  await admin.hset(`{${prefix}}:idempotency:${key.name}`, {
    fingerprint: key.fingerprint,
    jobId: "job-1",
    holder: "earlier",
  });
  await admin.quit();
  await store.keepHolding("earlier", 60_000);
  const taking = { ...key, hold: "one", jobId: "job-2" };

  const before = await store.takeKey(taking);
  await store.stopHolding("earlier");

  expect(before).toEqual({ type: "held", jobId: "job-1" });
  expect(await store.takeKey(taking)).toEqual({ type: "resumed", jobId: "job-1" });
});
