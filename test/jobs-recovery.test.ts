/** What finds lost jobs, as the store sees it. */
import { jobError } from "@rabbitloom/jobs";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { claimed, job, openStore, outcome, submitted, withdrawn } from "./support/job-store.ts";
import { openRedis } from "./support/redis.ts";
import { until } from "./support/until.ts";

test("a redelivered message of an attempt that is alive is no new attempt", async () => {
  await using opened = await openStore({ attemptTtlSeconds: 60 });
  const { store, other } = opened;
  const jobId = await submitted(store);
  await claimed(store, jobId, "a");

  expect(await other.claim({ message: job({ jobId }), workerId: "b" })).toEqual({ type: "busy" });
  expect(await store.isAttemptAlive(jobId)).toBe(true);
  expect(await store.bury(jobId, { code: "JOB_DEAD", message: "", retryable: false })).toEqual({
    type: "blameless",
  });
  expect(await store.finish(jobId, 1, outcome)).toBe(true);
  expect(await store.isAttemptAlive(jobId)).toBe(false);
});

test("a claim whose answer was lost can be made again and answers the same", async () => {
  await using opened = await openStore();
  const jobId = await submitted(opened.store);
  const claim = { message: job({ jobId }), workerId: "w", token: "delivery 1" };

  expect(await opened.store.claim(claim)).toMatchObject({ type: "claimed", attempt: 1 });
  expect(await opened.other.claim(claim)).toMatchObject({ type: "claimed", attempt: 1 });
  expect(await opened.store.claim({ ...claim, token: "delivery 2" })).toMatchObject({ attempt: 2 });
});

test("an attempt that is gone is taken back by one caller, and not if it has spoken since", async () => {
  await using opened = await openStore();
  const { store, other } = opened;
  const jobId = await submitted(store);
  await claimed(store, jobId);
  const [gone] = await store.attempts();
  if (gone === undefined) throw new Error("nothing runs");

  await until("a later sign of life", async () => {
    await store.reportProgress(jobId, 1, { lastSeq: 1 });
    return (await store.attempts())[0]?.aliveAt !== gone.aliveAt;
  });
  expect(await store.takeBack(gone)).toBeUndefined();
  const [now = gone] = await store.attempts();
  const answers = await Promise.all([store.takeBack(now), other.takeBack(now)]);

  expect(answers.filter((answer) => answer !== undefined)).toEqual([{ faults: 1 }]);
  expect(await store.view("every-tenant", jobId)).toMatchObject({ state: "pending", attempt: 1 });
  expect(await store.finish(jobId, 1, outcome)).toBe(false);
  expect(await store.waiting()).toEqual({
    jobs: [
      {
        jobId,
        number: 1,
        attempt: 1,
        lane: "normal",
        pool: "default",
        tenant: "default",
        isPassed: false,
      },
    ],
  });
});

test("looks at waiting jobs go on where the last one ended, until all have been seen", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const ids = Array.from({ length: 2_500 }, (_, index) => `job-${index}`);
  await Promise.all(ids.map((jobId) => store.submit({ message: job({ jobId }), number: 0 })));

  const seen = new Set<string>();
  let looks = 0;
  let from: string | undefined;
  do {
    const { jobs, next } = await store.waiting({ from });
    // Those that are there from the first look to the last; others may go meanwhile.
    if (looks === 0) for (const { jobId } of jobs.slice(0, 100)) await withdrawn(store, jobId);
    for (const { jobId } of jobs) seen.add(jobId);
    looks += 1;
    from = next;
  } while (from !== undefined);

  expect(looks).toBeGreaterThan(1);
  expect([...seen].toSorted()).toEqual(ids.toSorted());
});

test("a waiting job is passed once a later one was taken from its queue, until it is published again", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const take = (jobId: string, tenant: string, turn?: { token: string }) =>
    store.claim({
      message: job({ jobId, tenant }),
      workerId: "w",
      isFirstDelivery: true,
      ...(turn && { turn: { tenant, before: "0", ...turn } }),
    });
  const passed = async (hasOwnQueues: boolean) => {
    const { jobs } = await store.waiting({ hasOwnQueues });
    return jobs.filter(({ isPassed }) => isPassed).map(({ jobId }) => jobId);
  };
  for (const jobId of ["a1", "a2", "a3"]) await submitted(store, { jobId, tenant: "a" });
  for (const jobId of ["b1", "b2"]) await submitted(store, { jobId, tenant: "b" });
  await submitted(store, { jobId: "low", tenant: "b", lane: "low" });

  // A service's job gets its record when it is taken: that says nothing of those that wait.
  await take("unknown", "b");
  expect(await passed(false)).toEqual([]);
  await take("a2", "a");
  expect(await passed(false)).toEqual(["a1"]);
  expect(await passed(true)).toEqual([]);
  await take("b2", "b", { token: "turn" });
  expect(await passed(true)).toEqual(["b1"]);
  await store.requeue("a1");
  expect(await passed(false)).toEqual([]);
  // Of jobs whose message comes back nothing is told.
  await store.claim({ message: job({ jobId: "a1", tenant: "a" }), workerId: "w" });
  expect(await passed(false)).toEqual([]);
});

test("a job that nobody started in time ends by itself, by the earlier of both times, and once", async () => {
  await using opened = await openStore();
  const { store, other } = opened;
  const soon = { limits: { queueSeconds: 0.05 } };
  const late = new Date(Date.now() + 3_600_000).toISOString();
  const due = await submitted(store, { ...soon, deadlineAt: late, gatewayId: "g" });
  const started = await submitted(store, soon);
  const early = await submitted(store, { limits: { queueSeconds: 600 } });
  await claimed(store, started);

  const ended: unknown[] = [];
  await until("the deadline has passed", async () => {
    for (const each of await Promise.all([store.expire(), other.expire()])) ended.push(...each);
    return ended.length > 0;
  });

  expect(ended).toMatchObject([
    { jobId: due, attempt: 1, gatewayId: "g", error: { code: "QUEUE_DEADLINE" } },
  ]);
  expect(await store.view("every-tenant", due)).toMatchObject({ state: "failed", attempt: 1 });
  expect(await store.view("every-tenant", started)).toMatchObject({ state: "running" });
  expect(await store.view("every-tenant", early)).toMatchObject({ state: "pending" });
  expect(await store.claim({ message: job({ jobId: due }), workerId: "w" })).toMatchObject({
    type: "ended",
    state: "failed",
  });
});

test("an end that no attempt commits is unsaid until it is noted or forgotten; an attempt's own never is", async () => {
  await using opened = await openStore();
  const { store, other, prefix } = opened;
  const dead = jobError("JOB_DEAD", "dead");
  const cancelled = await submitted(store, { gatewayId: "g" });
  await store.cancel("every-tenant", cancelled);
  const refused = await submitted(store);
  await store.refuse({ tenant: "default" }, refused, dead);
  const buried = await submitted(store);
  await claimed(store, buried);
  await store.bury(buried, dead);
  const stopped = await submitted(store);
  await claimed(store, stopped);
  await store.cancel("every-tenant", stopped);
  await store.claim({ message: job({ jobId: stopped }), workerId: "w" });
  const late = await submitted(store, { limits: { queueSeconds: 0.001 } });
  await until("it is late", async () => (await store.expire()).length > 0);
  const finished = await submitted(store);
  await claimed(store, finished);
  await store.finish(finished, 1, outcome);

  const unsaid = async () => (await other.unsaid()).map(({ jobId }) => jobId);
  expect(await unsaid()).toEqual([cancelled, refused, buried, stopped, late]);
  const ends = await Promise.all((await unsaid()).map((jobId) => other.unsaidEnd(jobId)));
  expect(ends).toMatchObject([
    { state: "cancelled", attempt: 1, gatewayId: "g", error: { code: "JOB_CANCELLED" } },
    { state: "failed", attempt: 1, error: dead },
    { state: "dead", attempt: 2, error: dead },
    { state: "cancelled", attempt: 2, error: { code: "JOB_CANCELLED" } },
    { state: "failed", attempt: 1, error: { code: "QUEUE_DEADLINE" } },
  ]);

  await until("what was tried stands behind the others", async () => {
    await other.unsaidEnd(cancelled);
    return (await unsaid()).at(-1) === cancelled;
  });
  await store.noteAnnounced(buried, 1);
  await store.noteAnnounced(cancelled, 1);
  await store.noteAnnounced(buried, 2);
  await store.forget("every-tenant", [refused]);
  expect(new Set(await unsaid())).toEqual(new Set([stopped, late]));
  expect(await store.bury(buried, dead)).toEqual({ type: "ended" });

  // As a process of the version before says an end, and removes a record.
  const { redisUrl } = await openRedis();
  const admin = new Redis(redisUrl);
  await admin.hset(`{${prefix}}:job:${stopped}`, "announced", "1");
  await admin.del(`{${prefix}}:job:${late}`);
  await admin.quit();
  for (const jobId of [stopped, late]) expect(await other.unsaidEnd(jobId)).toBeUndefined();
  expect(await unsaid()).toEqual([]);
});

test("a lease has one holder, who keeps it by asking again", async () => {
  await using opened = await openStore();
  const { store, other } = opened;

  expect(await store.lease("sweep", "a", 60_000)).toBe(true);
  expect(await other.lease("sweep", "b", 60_000)).toBe(false);
  expect(await store.lease("sweep", "a", 1)).toBe(true);
  await until("it has run out", () => other.lease("sweep", "b", 60_000));
  expect(await store.lease("sweep", "a", 60_000)).toBe(false);
});
