/** Queues of tenants come and go, are found when lost sight of, and take only what is theirs. */
import { type TenantQueues, tenantQueues } from "@rabbitloom/broker";
import { connectAmqpClient } from "@rabbitloom/client/amqp";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { tenantQueueKeeper } from "../apps/gateway/src/turns/tenant-queue-keeper.ts";
import { openBroker, openPrivateBroker } from "./support/broker.ts";
import { brokerUser } from "./support/broker-user.ts";
import { openFleet } from "./support/fleet.ts";
import { spawnGateway } from "./support/gateway-process.ts";
import { job } from "./support/job-store.ts";
import { namesOf } from "./support/management.ts";
import { openRedis } from "./support/redis.ts";
import { openService } from "./support/service.ts";
import { takingTurns, tenantClient, workerThatLeft } from "./support/tenants.ts";
import { text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

test("an idle tenant's queue is deleted with its name, and the next job makes it again", async () => {
  await using service = await openService({
    workers: 0,
    gateway: { ...takingTurns, TENANT_QUEUE_IDLE_SECONDS: "1" },
  });
  const { fleet, broker, url } = service;
  await fleet.startWorker();
  const acme = await tenantClient(fleet, { tenant: "acme", url });
  const queue = fleet.names.jobs.queue("normal", "default", "acme");
  const named = () =>
    fleet.connection.withChannel(
      async (channel) => (await channel.checkQueue(fleet.names.tenantQueues)).messageCount,
    );
  for (const jobId of ["first", "second"]) {
    await acme.submit(jobId, text(jobId));
    expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "succeeded" });
    await until(
      "the queue is gone",
      async () => !(await namesOf(broker.managementUrl, "queues", fleet.prefix)).includes(queue),
      30_000,
    );
    await until("its name is gone", async () => (await named()) === 0);
  }
}, 300_000);

test("a keeper that stood still while it closed a queue does not delete the job that came meanwhile", async () => {
  await using redis = await openRedis();
  await using fleet = await openFleet({ redis });
  const { connection: broker, publisher, names, store, prefix } = fleet;
  const queues = tenantQueues({ broker, publisher, names, limits: {} });
  const place = { pool: "default", lane: "normal", tenant: "acme" } as const;
  const queue = names.jobs.queue("normal", "default", "acme");
  const admin = new Redis(redis.redisUrl);
  let looks = 0;
  const slowly: TenantQueues = {
    ...queues,
    async ready(asked) {
      const ready = await queues.ready(asked);
      looks += 1;
      if (looks === 2) {
        // So long that the queue is open again.
        await admin.del(`{${prefix}}:closing:default:normal:acme`);
        const message = job({ jobId: "new", tenant: "acme" });
        expect(await store.submit({ message, inOwnQueue: true })).toMatchObject({
          isQueueClosing: false,
        });
        await publisher.publish({ exchange: "", routingKey: queue, body: Buffer.from("new") });
      }
      return ready;
    },
  };
  const keeper = tenantQueueKeeper({
    store,
    queues: slowly,
    publisher: { sendControl: async () => {} },
    gatewayId: "g",
    leaseMs: 5_000,
    maxRunning: 0,
    idleMs: 0,
    lasting: { tenants: [], pools: [] },
  });
  await queues.open(place);
  await store.noteTenantQueue(place);

  await keeper.sweep();
  await admin.quit();

  expect(looks).toBe(2);
  expect(await queues.ready(place)).toBe(1);
  expect((await store.tenantQueues()).queues).toMatchObject([{ ...place, isClosing: false }]);
});

test("a tenant's job whose message was never sent is found, and its queue is made", async () => {
  await using service = await openService({
    workers: 0,
    gateway: { ...takingTurns, MISSING_SECONDS: "1" },
  });
  const { fleet } = service;
  await fleet.startWorker();
  const message = job({ jobId: "unpublished", tenant: "acme", prompt: text("unpublished") });
  await fleet.store.submit({ message, inOwnQueue: true });

  expect(await fleet.jobs.ended("unpublished", 40_000)).toMatchObject({ state: "succeeded" });
}, 300_000);

test("a tenant's job that was delivered too often, but never run, is put back into its queue and runs", async () => {
  await using service = await openService({ workers: 0, gateway: takingTurns });
  const { fleet, url } = service;
  await workerThatLeft(fleet);
  const acme = await tenantClient(fleet, { tenant: "acme", url });
  await acme.submit("unlucky", text("at last"));
  const queue = fleet.names.jobs.queue("normal", "default", "acme");
  const deliveries: number[] = [];
  await fleet.connection.withChannel(async (channel) => {
    await until("it is dead", async () => {
      const message = await channel.get(queue);
      if (message !== false) {
        deliveries.push(Number(message.properties.headers?.["x-delivery-count"] ?? 0));
        channel.nack(message);
      }
      return (await channel.checkQueue(fleet.names.dead.watchQueue)).messageCount === 1;
    });
  });
  expect(deliveries).toEqual([0, 1, 2, 3]);
  await fleet.startWorker();

  expect(await fleet.jobs.ended("unlucky", 60_000)).toMatchObject({
    state: "succeeded",
    attempt: 1,
  });
}, 300_000);

test("a tenant's first job is not lost with a broker killed right after it, whatever became of the new queue", async () => {
  await using broker = await openPrivateBroker();
  await using redis = await openRedis();
  await using fleet = await openFleet({ broker, redis });
  const gateway = await spawnGateway(
    { broker, redis, fleet },
    { MISSING_SECONDS: "1", ...takingTurns },
  );
  try {
    await workerThatLeft(fleet);
    const acme = await tenantClient(fleet, { tenant: "acme", url: gateway.url });
    await acme.submit("first", text("first"));
    await broker.crash();
    await broker.start();
    await fleet.connection.ready({ timeoutMs: 60_000 });
    await fleet.startWorker();
    expect(await fleet.jobs.ended("first", 180_000)).toMatchObject({ state: "succeeded" });
    // 503 while the new queue is given up: RabbitMQ closes the connection of whoever deletes it.
    const isTaken = () => acme.submit("second", text("second")).then(() => true, String);
    await until("the next job is taken", async () => (await isTaken()) === true, 180_000);
    expect(await fleet.jobs.ended("second", 180_000)).toMatchObject({ state: "succeeded" });
  } finally {
    await gateway.kill("SIGTERM");
  }
}, 900_000);

test("a tenant whose queue is full is told so, while another's jobs are taken", async () => {
  await using broker = await openBroker();
  await using redis = await openRedis();
  await using fleet = await openFleet({ broker, redis, queueLimits: { maxLength: 3 } });
  const gateway = await spawnGateway(
    { broker, redis, fleet },
    { MAX_QUEUE_LENGTH: "3", ...takingTurns },
  );
  try {
    await workerThatLeft(fleet);
    const acme = await tenantClient(fleet, { tenant: "acme", url: gateway.url });
    const beta = await tenantClient(fleet, { tenant: "beta", url: gateway.url });
    const refusals: unknown[] = [];
    // The broker's limit is a soft one: a message or two more may get in.
    for (let index = 0; index < 10; index++) {
      await acme.submit(`acme-${index}`, text("x")).catch((error) => refusals.push(error));
    }
    await beta.submit("beta", text("another's"));

    expect(refusals.length).toBeGreaterThan(4);
    for (const refusal of refusals) expect(String(refusal)).toContain("429");
    await fleet.startWorker();
    expect(await fleet.jobs.ended("beta")).toMatchObject({ state: "succeeded" });
  } finally {
    await gateway.kill("SIGTERM");
  }
}, 300_000);

test("a user of the broker sends its own tenant's jobs only, whatever it says", async () => {
  const AMQP_TENANTS = "svc-acme=acme";
  await using service = await openService({
    workers: 1,
    gateway: { ...takingTurns, AMQP_TENANTS },
    worker: { AMQP_TENANTS },
  });
  const { fleet, broker } = service;
  const { prefix, names } = fleet;
  await using user = await brokerUser(broker.managementUrl, {
    name: "svc-acme",
    prefix,
    tenant: "acme",
  });
  const place = { lane: "normal", pool: "default", tenant: "acme" } as const;
  const queue = names.jobs.queue(place.lane, place.pool, place.tenant);
  await until(
    "the tenant's queue is there",
    async () => (await namesOf(broker.managementUrl, "queues", prefix)).includes(queue),
    30_000,
  );
  const url = user.urlOf(broker.amqpUrl);
  await using acme = await connectAmqpClient({ url, prefix, tenant: "acme" });
  const sent = await acme.submit(text("of a service"));
  expect(await sent.result).toMatchObject({ state: "succeeded" });
  expect(await fleet.store.view("every-tenant", sent.jobId)).toMatchObject({ tenant: "acme" });

  await using beta = await connectAmqpClient({ url, prefix, tenant: "beta" });
  await expect(beta.submit(text("x"), { confirmWithinMs: 2_000 })).rejects.toMatchObject({
    code: "BROKER_UNAVAILABLE",
  });
  await fleet.send(JSON.stringify({ prompt: text("x"), tenant: "acme" }), { messageId: "unsaid" });
  const letter = await deadLetter(fleet);
  expect(letter.properties.messageId).toBe("unsaid");
  expect(letter.properties.headers?.["loom-reason"]).toContain("FORBIDDEN");
}, 300_000);

async function deadLetter({ connection, names }: Awaited<ReturnType<typeof openFleet>>) {
  const found = await connection.withChannel(async (channel) => {
    let letter = await channel.get(names.dead.queue, { noAck: true });
    await until("there is a dead letter", async () => {
      if (letter === false) letter = await channel.get(names.dead.queue, { noAck: true });
      return letter !== false;
    });
    return letter;
  });
  if (found === false) throw new Error("no dead letter");
  return found;
}
