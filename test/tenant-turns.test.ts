/** Tenants take turns: nobody starves the rest, and nothing of the delivery promise is given up for it. */
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import type { TestRedis } from "./support/redis.ts";
import { openService } from "./support/service.ts";
import {
  numbered,
  startedOrder,
  takingTurns,
  tenantClient,
  workerThatLeft,
} from "./support/tenants.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

test("of two tenants, one who sends few jobs after the other's many is served at every second turn", async () => {
  await using service = await openService({ workers: 0, gateway: takingTurns });
  const { fleet, url } = service;
  await workerThatLeft(fleet);
  const many = await tenantClient(fleet, { tenant: "many", url });
  const few = await tenantClient(fleet, { tenant: "few", url });
  const [manys, fews] = [numbered("many", 40), numbered("few", 5)];
  for (const jobId of manys) await many.submit(jobId, steps({ steps: 1, ms: 3 }));
  for (const jobId of fews) await few.submit(jobId, steps({ steps: 1, ms: 3 }));
  expect(await fleet.store.view("every-tenant", "few-4")).toMatchObject({ queuePosition: 8 });
  await fleet.startWorker();
  for (const jobId of [...manys, ...fews]) {
    expect(await fleet.jobs.ended(jobId, 60_000)).toMatchObject({ state: "succeeded", attempt: 1 });
  }

  const order = startedOrder(fleet, [...manys, ...fews]);
  // Both in their own order, and never two of one while the other waits.
  expect(order.filter((jobId) => jobId.startsWith("many"))).toEqual(manys);
  expect(order.filter((jobId) => jobId.startsWith("few"))).toEqual(fews);
  for (const [index, jobId] of fews.entries()) {
    expect(order.indexOf(jobId)).toBeLessThanOrEqual(2 * index + 1);
  }
}, 300_000);

test("no more jobs of a tenant run than may, whatever is free", async () => {
  await using service = await openService({
    workers: 0,
    gateway: { ...takingTurns, MAX_RUNNING_PER_TENANT: "2" },
  });
  const { fleet, url } = service;
  await fleet.startWorker({ slots: 4 });
  const acme = await tenantClient(fleet, { tenant: "acme", url });
  const beta = await tenantClient(fleet, { tenant: "beta", url });
  const endless = steps({ steps: 100_000, ms: 50 });
  const jobIds = numbered("acme", 4);
  for (const jobId of jobIds) await acme.submit(jobId, endless);
  for (const jobId of jobIds.slice(0, 2))
    await fleet.jobs.event(jobId, "job-start", { timeoutMs: 60_000 });
  await beta.submit("beta-0", text("a slot that is free for another tenant"));
  await fleet.jobs.ended("beta-0", 60_000);
  const states = async () => {
    const { jobs } = await fleet.store.list({ tenant: "acme" }, { states: ["pending", "running"] });
    return new Map(jobs.map(({ id, state }) => [id, state]));
  };
  expect(await states()).toEqual(
    new Map([
      ["acme-0", "running"],
      ["acme-1", "running"],
      ["acme-2", "pending"],
      ["acme-3", "pending"],
    ]),
  );

  await acme.cancel("acme-0");
  await fleet.jobs.event("acme-2", "job-start", { timeoutMs: 60_000 });
  expect(await states()).toEqual(
    new Map([
      ["acme-1", "running"],
      ["acme-2", "running"],
      ["acme-3", "pending"],
    ]),
  );
  for (const jobId of ["acme-3", "acme-2", "acme-1"]) await acme.cancel(jobId);
  for (const jobId of jobIds) {
    expect(await fleet.jobs.ended(jobId, 60_000)).toMatchObject({ state: "cancelled" });
  }
}, 300_000);

test("a worker killed with a tenant's job loses no turn: the job runs again and ends once", async () => {
  await using service = await openService({
    workers: 0,
    gateway: { ...takingTurns, MAX_RUNNING_PER_TENANT: "1" },
  });
  const { fleet, url } = service;
  const victim = await fleet.spawnWorker();
  const acme = await tenantClient(fleet, { tenant: "acme", url });
  await acme.submit("long", steps({ steps: 40, ms: 50 }));
  await acme.submit("next", text("after it"));
  await fleet.jobs.event("long", "job-start", { timeoutMs: 60_000 });
  const other = fleet.spawnWorker();
  await victim.kill("SIGKILL");
  await other;

  expect(await fleet.jobs.ended("long", 60_000)).toMatchObject({ state: "succeeded", attempt: 2 });
  expect(await fleet.jobs.ended("next", 60_000)).toMatchObject({ state: "succeeded", attempt: 1 });
  for (const jobId of ["long", "next"]) {
    const ends = fleet.jobs.events(jobId).filter(({ type }) => type === "job-end");
    expect(ends).toHaveLength(1);
  }
  expect(startedOrder(fleet, ["next", "long"])).toEqual(["long", "next"]);
}, 300_000);

test("with two gateways, the one that keeps the queues killed and Redis emptied, every job still runs once", async () => {
  await using service = await openService({ workers: 0, gateway: takingTurns });
  const { fleet, url, gateway } = service;
  await workerThatLeft(fleet);
  const second = await service.startGateway(takingTurns);
  const acme = await tenantClient(fleet, { tenant: "acme", url });
  const beta = await tenantClient(fleet, { tenant: "beta", url: second.url });
  const [acmes, betas] = [numbered("acme", 10), numbered("beta", 10)];
  for (const jobId of acmes) await acme.submit(jobId, text(jobId));
  for (const jobId of betas) await beta.submit(jobId, text(jobId));

  await gateway.kill("SIGKILL");
  await using redis = redisOf(service.redis);
  await redis.forgetEverything();
  expect(await fleet.store.view("every-tenant", "acme-0")).toBeUndefined();
  await fleet.startWorker();

  for (const jobId of [...acmes, ...betas]) {
    expect(await fleet.jobs.ended(jobId, 60_000)).toMatchObject({ state: "succeeded", attempt: 1 });
    expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({ state: "succeeded" });
    expect(fleet.jobs.events(jobId).filter(({ type }) => type === "job-end")).toHaveLength(1);
  }
}, 300_000);

function redisOf({ prefix, redisUrl }: TestRedis) {
  const redis = new Redis(redisUrl);
  return {
    /** What a Redis that restarted empty knows of this fleet. */
    async forgetEverything() {
      for await (const keys of redis.scanStream({ match: `{${prefix}}:*`, count: 1000 })) {
        if (Array.isArray(keys) && keys.length > 0) await redis.unlink(...keys.map(String));
      }
    },
    async [Symbol.asyncDispose]() {
      await redis.quit();
    },
  };
}

test("a tenant's cancelled jobs cost it no turn, and nothing of them is left in its queue", async () => {
  await using service = await openService({ workers: 0, gateway: takingTurns });
  const { fleet, url } = service;
  await workerThatLeft(fleet);
  const many = await tenantClient(fleet, { tenant: "many", url });
  const few = await tenantClient(fleet, { tenant: "few", url });
  const [manys, cancelled] = [numbered("many", 20), numbered("cancelled", 10)];
  for (const jobId of manys) await many.submit(jobId, steps({ steps: 1, ms: 3 }));
  for (const jobId of cancelled) await few.submit(jobId, text(jobId));
  for (const jobId of cancelled) await few.cancel(jobId);
  await few.submit("few", text("the one that is left"));
  await fleet.startWorker();
  await fleet.jobs.ended("few", 60_000);
  for (const jobId of manys) await fleet.jobs.ended(jobId, 60_000);

  expect(startedOrder(fleet, [...manys, "few"]).indexOf("few")).toBeLessThanOrEqual(1);
  const queue = fleet.names.jobs.queue("normal", "default", "few");
  await until("the queue is empty", async () => {
    const { messageCount } = await fleet.connection.withChannel((channel) =>
      channel.checkQueue(queue),
    );
    return messageCount === 0;
  });
}, 300_000);
