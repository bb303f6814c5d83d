/** What becomes of jobs, and what clients are told, when a server fails or forgets. */
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { openBroker, openPrivateBroker } from "./support/broker.ts";
import { openCutProxy } from "./support/cut-proxy.ts";
import { openFleet } from "./support/fleet.ts";
import { type GatewayProcess, spawnGateway } from "./support/gateway-process.ts";
import { namesOf } from "./support/management.ts";
import { openPrivateRedis, openRedis, type TestRedis } from "./support/redis.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

test("after Redis has forgotten everything a queued job is unknown, since when is said, and it still runs", async () => {
  await using redis = await openPrivateRedis();
  await using fleet = await openFleet({ redis });
  const jobId = await fleet.submit(text("remembered by the broker"));
  const before = await fleet.store.remembersSince();

  await forgetEverything(redis);

  expect(await fleet.store.view("every-tenant", jobId)).toBeUndefined();
  expect((await fleet.store.remembersSince()) >= before).toBe(true);
  await fleet.startWorker();
  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "succeeded", attempt: 1 });
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({ state: "succeeded" });
}, 60_000);

test("with Redis emptied a running job is run again and whoever waits for it is answered; since when is known is said", async () => {
  await using broker = await openBroker();
  await using redis = await openPrivateRedis();
  await using fleet = await openFleet({ broker, redis });
  await fleet.spawnWorker();
  const gateway = await spawnGateway({ broker, redis, fleet });
  const start = new Date().toISOString();
  try {
    await until("ready", async () => (await fetch(`${gateway.url}/readyz`)).status === 200);
    const prompt = steps({ steps: 40, ms: 50, tag: "in the end" });
    const waiting = fetch(`${gateway.url}/api/v1/prompts`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt, prompt_id: "forgotten" }),
    });
    await fleet.jobs.event("forgotten", "node-progress");
    await forgetEverything(redis);

    const unknown = await fetch(`${gateway.url}/api/v1/jobs/never`);
    const { code, rememberedSince } = JSON.parse(await unknown.text());
    expect([unknown.status, code]).toEqual([404, "NOT_FOUND"]);
    expect(rememberedSince > start).toBe(true);
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("in the end");
    const events = fleet.jobs.events("forgotten");
    expect(events.filter(({ type }) => type === "job-start")).toHaveLength(2);
    expect(events.filter(({ type }) => type === "job-end")).toHaveLength(1);
    const known = await fetch(`${gateway.url}/api/v1/jobs/forgotten`);
    expect(await known.json()).toMatchObject({ state: "succeeded" });
  } finally {
    await gateway.kill("SIGTERM");
  }
}, 120_000);

test.each([
  [
    "memory",
    ["set_vm_memory_high_watermark", "absolute", "1MB"],
    ["set_vm_memory_high_watermark", "0.6"],
  ],
  ["disk", ["set_disk_free_limit", "1000000GB"], ["set_disk_free_limit", "50MB"]],
])(
  "while the broker has a %s alarm, submitting is 503 with Retry-After and nothing is taken",
  async (_what, alarm, calm) => {
    await using broker = await openPrivateBroker();
    await using redis = await openRedis();
    await using fleet = await openFleet({ broker, redis });
    await fleet.startWorker();
    const gateway = await spawnGateway({ broker, redis, fleet });
    const submit = (prompt_id: string) =>
      fetch(`${gateway.url}/api/v1/prompts`, {
        method: "POST",
        headers: { "content-type": "application/json", prefer: "respond-async" },
        body: JSON.stringify({ prompt: text(prompt_id), prompt_id }),
      });
    try {
      await until("ready", async () => (await fetch(`${gateway.url}/readyz`)).status === 200);
      await broker.control(alarm);
      // The broker says so to the first who publishes; from then on the answer comes at once.
      for (const id of ["first", "second"]) {
        const refused = await submit(id);
        expect(refused.status).toBe(503);
        expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
        expect(await refused.json()).toMatchObject({ code: "BROKER_UNAVAILABLE" });
      }
      expect((await fetch(`${gateway.url}/api/v1/jobs/second`)).status).toBe(404);
      await broker.control(calm);
      await until("taken again", async () => (await submit("third")).status === 202, 30_000);
      expect(await fleet.jobs.ended("third")).toMatchObject({ state: "succeeded" });
      // The first one's message was on its way all the while; it was withdrawn, and nobody runs it.
      expect(fleet.jobs.events("first")).toEqual([]);
    } finally {
      await gateway.kill("SIGTERM");
    }
  },
  240_000,
);

test("a client that asks again and hears that the id is taken has its job, though the first request could not publish", async () => {
  await using broker = await openBroker();
  await using redis = await openRedis();
  await using fleet = await openFleet({ broker, redis });
  await using proxy = await openCutProxy(broker.amqpUrl);
  await fleet.startWorker();
  const gateway = await spawnGateway(
    { broker: { ...broker, amqpUrl: proxy.url }, redis, fleet },
    { MISSING_SECONDS: "1" },
  );
  const submit = () =>
    fetch(`${gateway.url}/api/v1/prompts`, {
      method: "POST",
      headers: { "content-type": "application/json", prefer: "respond-async" },
      body: JSON.stringify({ prompt: text("asked twice"), prompt_id: "asked-twice" }),
    });
  try {
    await until("ready", async () => (await fetch(`${gateway.url}/readyz`)).status === 200);
    proxy.delay(60_000);
    const first = submit();
    const job = `${gateway.url}/api/v1/jobs/asked-twice`;
    await until("recorded", async () => (await fetch(job)).status === 200);
    expect((await submit()).status).toBe(409);
    proxy.close();
    proxy.cut();
    expect((await first).status).toBe(202);
    proxy.delay(0);
    proxy.open();
    expect(await fleet.jobs.ended("asked-twice", 40_000)).toMatchObject({ state: "succeeded" });
  } finally {
    await gateway.kill("SIGTERM");
  }
}, 120_000);

test("a stream that Redis and the gateway that made it have forgotten is found and deleted", async () => {
  await using broker = await openBroker();
  await using redis = await openPrivateRedis();
  await using fleet = await openFleet({ broker, redis });
  await fleet.startWorker();
  const parts = { broker, redis, fleet };
  const gateways: GatewayProcess[] = [];
  const start = async (keepSeconds: string) => {
    const variables = { STREAM_KEEP_SECONDS: keepSeconds, STRAY_SECONDS: "2" };
    const gateway = await spawnGateway(parts, variables);
    gateways.push(gateway);
    return gateway;
  };
  const streams = () => namesOf(broker.managementUrl, "queues", fleet.names.replyPrefix);
  try {
    const first = await start("600");
    await until("ready", async () => (await fetch(`${first.url}/readyz`)).status === 200, 60_000);
    const response = await fetch(`${first.url}/api/v1/prompts`, {
      method: "POST",
      headers: { "content-type": "application/json", prefer: "respond-async" },
      body: JSON.stringify({ prompt: text("watched"), prompt_id: "watched", watch: true }),
    });
    await fleet.jobs.ended("watched", 60_000);
    const before = await streams();

    await first.kill("SIGKILL");
    await forgetEverything(redis);
    await start("1");

    expect(response.status).toBe(202);
    expect(before).toEqual([fleet.names.reply("watched")]);
    await until("the stream is gone", async () => (await streams()).length === 0, 60_000);
    const { waiting, due } = fleet.names.streamNotes;
    await until(
      "its note is gone, too",
      () =>
        fleet.connection.withChannel(async (channel) => {
          const notes = [await channel.checkQueue(waiting), await channel.checkQueue(due)];
          return notes.every(({ messageCount }) => messageCount === 0);
        }),
      60_000,
    );
  } finally {
    for (const gateway of gateways) await gateway.kill("SIGKILL");
  }
}, 240_000);

async function forgetEverything({ redisUrl }: Pick<TestRedis, "redisUrl">): Promise<void> {
  const admin = new Redis(redisUrl);
  await admin.flushall();
  await admin.quit();
}
