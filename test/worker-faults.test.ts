import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Prompt } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { openPrivateBroker } from "./support/broker.ts";
import { openFleet, type TestFleet } from "./support/fleet.ts";
import { openPrivateRedis } from "./support/redis.ts";
import { crash, steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

/** Saves two pictures, and does the rest beside it. */
const savedThen = (rest: Prompt): Prompt => ({
  "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 2, color: 0 } },
  "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "sub/pic" } },
  ...rest,
});

test("a job whose worker is killed in the middle is run again elsewhere and ends once", async () => {
  await using fleet = await openFleet();
  const first = await fleet.spawnWorker({ WORKER_ID: "first" });
  const jobId = await fleet.submit(steps({ steps: 150, ms: 20 }));
  await fleet.jobs.event(jobId, "node-progress", { where: ({ value }) => value >= 3 });

  await first.kill("SIGKILL");
  await fleet.startWorker({ workerId: "second" });
  const end = await fleet.jobs.ended(jobId);

  expect(end).toMatchObject({ state: "succeeded", attempt: 2 });
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({
    workerId: "second",
    attempt: 2,
  });
  const events = fleet.jobs.events(jobId);
  expect(events.filter(({ type }) => type === "job-end")).toHaveLength(1);
  for (const attempt of [1, 2]) {
    const seqs = events.filter((event) => event.attempt === attempt).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  }
}, 60_000);

test("files that a killed attempt had saved are gone once the next attempt has saved its own", async () => {
  await using fleet = await openFleet();
  const first = await fleet.spawnWorker();
  const jobId = await fleet.submit(savedThen(steps({ steps: 200, ms: 20 }, "3")));
  await fleet.jobs.event(jobId, "node-output", { where: ({ nodeId }) => nodeId === "2" });
  const folder = join(fleet.dataDir, "output", "sub");
  const before = await readdir(folder);

  await first.kill("SIGKILL");
  await fleet.startWorker();
  const end = await fleet.jobs.ended(jobId);

  expect(before.toSorted(byName)).toEqual(["pic_00001_.png", "pic_00002_.png"]);
  expect((await readdir(folder)).toSorted(byName)).toEqual(["pic_00003_.png", "pic_00004_.png"]);
  expect(end).toMatchObject({
    state: "succeeded",
    attempt: 2,
    outputs: { "2": { images: [{ filename: "pic_00003_.png" }, { filename: "pic_00004_.png" }] } },
  });
}, 60_000);

test("files that a killed attempt had saved are removed when its job is cancelled before another attempt", async () => {
  await using fleet = await openFleet();
  const doomed = await fleet.spawnWorker();
  const jobId = await fleet.submit(savedThen(steps({ steps: 2_000, ms: 20 }, "3")));
  await fleet.jobs.event(jobId, "node-output", { where: ({ nodeId }) => nodeId === "2" });
  const folder = join(fleet.dataDir, "output", "sub");
  expect(await readdir(folder)).toHaveLength(2);

  await doomed.kill("SIGKILL");
  await fleet.store.cancel("every-tenant", jobId);
  await fleet.startWorker();

  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "cancelled", outputs: {} });
  await until("the files are gone", async () => (await readdir(folder)).length === 0);
  await until("they are forgotten", async () => (await fleet.store.leftovers()).length === 0);
}, 60_000);

function byName(a: string, b: string): number {
  return a < b ? -1 : 1;
}

test("a workflow that kills the engine each time is given up, and the worker lives on", async () => {
  await using fleet = await openFleet();
  const worker = await fleet.spawnWorker();

  const jobId = await fleet.submit(crash);
  const end = await fleet.jobs.ended(jobId, 120_000);
  const next = await fleet.jobs.ended(await fleet.submit(text("next")));

  expect(end).toMatchObject({ state: "dead", seq: 1, error: { code: "JOB_DEAD" } });
  expect(end.error?.message).toMatch(/ENGINE_CRASHED.*SIGKILL/);
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({
    state: "dead",
    attempt: end.attempt,
  });
  expect(fleet.jobs.events(jobId).filter(({ type }) => type === "job-start")).toHaveLength(4);
  expect(next).toMatchObject({ state: "succeeded" });
  const health = await fetch(worker.healthUrl);
  expect(health.status).toBe(200);
  expect(await health.json()).toMatchObject({ state: "idle", pid: worker.pid });
  const { messageCount } = await fleet.connection.withChannel((channel) =>
    channel.checkQueue(fleet.names.dead.queue),
  );
  expect(messageCount).toBe(1);
}, 240_000);

test("a job that the broker gave up although nobody ever ran it gets another turn", async () => {
  await using fleet = await openFleet();
  const jobId = await fleet.submit(text("at last"));
  await handBack(fleet, 4);

  await fleet.startWorker();

  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "succeeded", attempt: 1 });
});

test("so does a service's job, which has no record before a worker takes it; what never is taken is told as dead", async () => {
  await using fleet = await openFleet();
  const body = JSON.stringify({ prompt: text("at last") });
  await fleet.send(body, { messageId: "fresh" });
  await fleet.send(body, { messageId: "hopeless", headers: { "loom-rounds": "3" } });
  await handBack(fleet, 8);

  await fleet.startWorker();

  expect(await fleet.jobs.ended("fresh")).toMatchObject({ state: "succeeded", attempt: 1 });
  expect(await fleet.jobs.ended("hopeless")).toMatchObject({
    state: "dead",
    error: { code: "JOB_DEAD" },
  });
});

test("a job that a cut-off worker still runs is committed by one attempt only, and keeps none of the other's files", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker({ workerId: "slow" });
  const jobId = await fleet.submit({
    "2": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: 0 } },
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "sub/pic" } },
    ...steps({ steps: 100, ms: 10, tag: "slow" }),
  });
  await fleet.jobs.event(jobId, "node-output", { where: ({ nodeId }) => nodeId === "3" });
  const folder = join(fleet.dataDir, "output", "sub");
  expect(await readdir(folder)).toEqual(["pic_00001_.png"]);
  const record = await fleet.store.find("every-tenant", jobId);
  if (record === undefined) throw new Error("no record");

  const message = { v: 1 as const, ...record, jobId };
  const [attempt] = await fleet.store.attempts();
  if (attempt === undefined) throw new Error("nothing runs");
  await until("it was silent in between two reports", async () => {
    const [now = attempt] = await fleet.store.attempts();
    return (await fleet.store.takeBack(now)) !== undefined;
  });
  const claim = await fleet.store.claim({ message, workerId: "fast" });
  const outputs = { "1": { text: ["fast"] } };
  const committed = await fleet.store.finish(jobId, 2, { state: "succeeded", outputs, lastSeq: 1 });
  await until("the slow worker is idle again", async () => {
    const { state } = await fetchHealth(fleet.healthUrls[0] ?? "");
    return state === "idle";
  });

  expect(claim).toMatchObject({ type: "claimed", attempt: 2 });
  expect(committed).toBe(true);
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({
    workerId: "fast",
    outputs,
  });
  expect(fleet.jobs.events(jobId).filter(({ type }) => type === "job-end")).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
});

async function fetchHealth(url: string): Promise<{ readonly state?: unknown }> {
  const body: unknown = await (await fetch(url)).json();
  return typeof body === "object" && body !== null && "state" in body ? { state: body.state } : {};
}

test("a worker outlives a restart of the broker, and every job ends", async () => {
  await using broker = await openPrivateBroker();
  await using fleet = await openFleet({ broker });
  await fleet.startWorker();
  const during = await fleet.submit(steps({ steps: 200, ms: 20, tag: "during" }));
  await fleet.jobs.event(during, "node-progress");

  await broker.stop();
  await broker.start();
  await fleet.connection.ready({ timeoutMs: 30_000 });
  const after = await fleet.submit(text("after"));

  expect(await fleet.jobs.ended(after, 30_000)).toMatchObject({ state: "succeeded" });
  await until("the interrupted job has ended", async () => {
    return (await fleet.store.view("every-tenant", during))?.state === "succeeded";
  });
}, 120_000);

test("a worker holds its job while Redis is away and goes on when it is back", async () => {
  await using redis = await openPrivateRedis();
  await using fleet = await openFleet({ redis });
  const worker = await fleet.startWorker();
  const running = await fleet.submit(steps({ steps: 100, ms: 10 }));
  await fleet.jobs.event(running, "node-progress");

  await redis.stop();
  await until("the worker says that it is unwell", async () => {
    return (await fetch(worker.healthUrl)).status === 503;
  });
  await redis.start();

  expect(await fleet.jobs.ended(running)).toMatchObject({ state: "succeeded", attempt: 1 });
  expect(await fleet.store.view("every-tenant", running)).toMatchObject({ state: "succeeded" });
}, 60_000);

test("the end of a job whose worker died after the commit is said with a snapshot for what died with it", async () => {
  await using fleet = await openFleet();
  const jobId = await fleet.submit(text("said too late"));
  const record = await fleet.store.find("every-tenant", jobId);
  if (record === undefined) throw new Error("no record");
  await fleet.store.claim({ message: { v: 1 as const, ...record, jobId }, workerId: "dead" });
  const outputs = { "1": { text: ["said too late"] } };
  await fleet.store.finish(jobId, 1, { state: "succeeded", outputs, lastSeq: 9 });

  await fleet.startWorker();
  await fleet.jobs.ended(jobId);

  expect(fleet.jobs.events(jobId)).toMatchObject([
    { type: "job-snapshot", attempt: 1, seq: 8, outputs },
    { type: "job-end", attempt: 1, seq: 9, state: "succeeded", outputs },
  ]);
});

/** Takes so many deliveries out of the lane and gives each back, as workers do that never claim them. */
async function handBack({ connection, names }: TestFleet, deliveries: number): Promise<void> {
  await connection.withChannel(async (channel) => {
    for (let delivery = 0; delivery < deliveries; delivery++) {
      const message = await channel.get(names.jobs.queue("normal", "default"));
      if (message === false) throw new Error("the lane is empty");
      channel.nack(message);
    }
  });
}
