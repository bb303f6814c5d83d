import { type JobStore, openJobStore } from "@rabbitloom/jobs";
import { expect, test } from "vitest";
import { claimed, job, openStore, outcome, submitted, withdrawn } from "./support/job-store.ts";
import { openPrivateRedis } from "./support/redis.ts";

test("a job is at any moment in exactly one of the pending, running and ended lists", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const jobId = await submitted(store);
  const where = async () => {
    const { pending, running } = await store.queue("every-tenant");
    const history = await store.history("every-tenant");
    return [pending.length, running.length, history.length];
  };

  const places = [await where()];
  const attempt = await claimed(store, jobId);
  places.push(await where());
  await store.finish(jobId, attempt, outcome);
  places.push(await where());

  expect(places).toEqual([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
});

test("numbers count up over all gateways, and a job at the front gets a negative one", async () => {
  await using opened = await openStore();
  const first = await opened.store.submit({ message: job() });
  const second = await opened.other.submit({ message: job() });
  const front = await opened.store.submit({ message: job({ jobId: "front" }), front: true });
  const chosen = await opened.store.submit({ message: job(), number: 0.5 });

  expect([first, second, front, chosen].map(({ number }) => number)).toEqual([1, 2, -3, 0.5]);
  expect((await opened.store.queue("every-tenant")).pending[0]?.id).toBe("front");
  expect(await opened.store.view("every-tenant", "front")).toMatchObject({ queuePosition: 0 });
});

test("ended jobs beyond the limit are removed, and known as expired for a while", async () => {
  await using opened = await openStore({ retention: { maxJobs: 3, tombstoneSeconds: 2 } });
  const { store } = opened;
  const ids: string[] = [];
  for (let index = 0; index < 5; index++) {
    const jobId = await submitted(store);
    await store.finish(jobId, await claimed(store, jobId), outcome);
    ids.push(jobId);
  }
  const [oldest = "", , third = ""] = ids;

  expect((await store.history("every-tenant")).map(({ id }) => id)).toEqual(ids.slice(2));
  await expect(store.find("every-tenant", oldest)).rejects.toMatchObject({ code: "JOB_EXPIRED" });
  expect(await store.view("every-tenant", third)).toMatchObject({ state: "succeeded" });
  await expect
    .poll(() => store.find("every-tenant", oldest).catch(() => "expired"))
    .toBeUndefined();
});

test("history is a window on the ended jobs, oldest first, and can be forgotten", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const ids = ["a", "b", "c", "d"];
  for (const jobId of ids) {
    await submitted(store, { jobId });
    await store.finish(jobId, await claimed(store, jobId), outcome);
  }
  const idsOf = async (window?: Parameters<JobStore["history"]>[1]) =>
    (await store.history("every-tenant", window)).map(({ id }) => id);

  expect(await idsOf()).toEqual(ids);
  expect(await idsOf({ maxItems: 2 })).toEqual(["c", "d"]);
  expect(await idsOf({ maxItems: 2, offset: 1 })).toEqual(["b", "c"]);
  expect(await idsOf({ maxItems: 0 })).toEqual([]);
  await store.forget("every-tenant", ["b", "nobody"]);
  expect(await idsOf()).toEqual(["a", "c", "d"]);
  await store.forgetAllEnded("every-tenant");
  expect(await idsOf()).toEqual([]);
});

test("a list holds running, pending and then ended jobs, newest first, and counts all that fit", async () => {
  await using opened = await openStore();
  const { store } = opened;
  for (const jobId of ["done-1", "done-2", "failed", "runs", "waits-1", "waits-2"]) {
    await submitted(store, { jobId });
  }
  for (const jobId of ["done-1", "done-2"])
    await store.finish(jobId, await claimed(store, jobId), outcome);
  await store.finish("failed", await claimed(store, "failed"), { ...outcome, state: "failed" });
  await claimed(store, "runs");
  const idsOf = async (filter?: Parameters<JobStore["list"]>[1]) => {
    const { jobs, total } = await store.list("every-tenant", filter);
    return [total, ...jobs.map(({ id }) => id)];
  };

  expect(await idsOf()).toEqual([6, "runs", "waits-1", "waits-2", "failed", "done-2", "done-1"]);
  expect(await idsOf({ limit: 2, offset: 1 })).toEqual([6, "waits-1", "waits-2"]);
  expect(await idsOf({ states: ["succeeded"] })).toEqual([2, "done-2", "done-1"]);
  expect(await idsOf({ states: ["pending", "failed"], limit: 2 })).toEqual([
    3,
    "waits-1",
    "waits-2",
  ]);
});

test("a list narrowed by tags has the jobs that have all of them, whatever state they are in", async () => {
  await using opened = await openStore();
  const { store } = opened;
  await submitted(store, { jobId: "done", tags: ["shop", "order 17"] });
  await store.finish("done", await claimed(store, "done"), outcome);
  await submitted(store, { jobId: "runs", tags: ["order 17"] });
  await claimed(store, "runs");
  await submitted(store, { jobId: "waits", tags: ["workshop", "shop"] });
  await submitted(store, { jobId: "plain" });
  const idsOf = async (...tags: string[]) => {
    const { jobs, total } = await store.list("every-tenant", { tags });
    return [total, ...jobs.map(({ id }) => id)];
  };

  expect(await idsOf("shop")).toEqual([2, "waits", "done"]);
  expect(await idsOf("shop", "order 17")).toEqual([1, "done"]);
  expect(await idsOf("order")).toEqual([0]);
  expect(await store.view("every-tenant", "done")).toMatchObject({ tags: ["shop", "order 17"] });
  expect((await store.view("every-tenant", "plain"))?.tags).toBeUndefined();
});

test("a job of a service keeps the tags of its message", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const message = job({ jobId: "service", tags: ["night"] });
  expect((await store.claim({ message, workerId: "w" })).type).toBe("claimed");
  expect(await store.find("every-tenant", "service")).toMatchObject({ tags: ["night"] });
});

test("everybody hears of the queue's size whenever a job changes state", async () => {
  await using opened = await openStore();
  const sizes: number[] = [];
  using _listening = opened.other.onQueueChange((size) => sizes.push(size));
  // The subscription is made in the background: jobs come and go until it stands.
  await expect
    .poll(async () => {
      await withdrawn(opened.store, await submitted(opened.store));
      return sizes.length;
    })
    .toBeGreaterThan(0);
  await expect.poll(() => sizes.at(-1)).toBe(0);
  sizes.length = 0;

  const jobId = await submitted(opened.store);
  await submitted(opened.store);
  await opened.store.finish(jobId, await claimed(opened.store, jobId), outcome);

  await expect.poll(() => sizes).toEqual([1, 2, 2, 1]);
});

test("while Redis is away every call is refused at once, and works again when it is back", async () => {
  await using redis = await openPrivateRedis();
  await using store = await openJobStore({ url: redis.redisUrl, prefix: redis.prefix });
  const jobId = await submitted(store);
  await redis.stop();
  await expect
    .poll(() =>
      store.ping().then(
        () => "up",
        () => "down",
      ),
    )
    .toBe("down");

  const began = performance.now();
  await expect(store.claim({ message: job({ jobId }), workerId: "w" })).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
  });
  const tookMs = performance.now() - began;
  await redis.start();

  expect(tookMs).toBeLessThan(2_000);
  await expect
    .poll(() => store.view("every-tenant", jobId).catch(() => undefined), { timeout: 5_000 })
    .toMatchObject({ state: "pending" });
});
