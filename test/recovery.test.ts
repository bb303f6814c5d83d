/** Jobs that somebody has lost are found, and what clients are told meanwhile. */
import { readReplyStream } from "@rabbitloom/broker";
import { jobError } from "@rabbitloom/jobs";
import {
  decodeEvents,
  type JobMessage,
  replyStreamArguments,
  stringifyJson,
} from "@rabbitloom/protocol";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { openBroker, openPrivateBroker } from "./support/broker.ts";
import { openCutProxy } from "./support/cut-proxy.ts";
import { openFleet } from "./support/fleet.ts";
import { type GatewayProcess, spawnGateway } from "./support/gateway-process.ts";
import { job } from "./support/job-store.ts";
import { namesOf } from "./support/management.ts";
import { openPrivateRedis, openRedis, type TestRedis } from "./support/redis.ts";
import { openService } from "./support/service.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

test("a job without a message, without a worker or without time left is found by a gateway", async () => {
  await using service = await openService({ workers: 0, gateway: { MISSING_SECONDS: "1" } });
  const { fleet } = service;
  // Its gateway died before it could publish.
  const unpublished = job({ jobId: "unpublished", prompt: text("unpublished"), tags: ["kept"] });
  await fleet.store.submit({ message: unpublished });
  // Its worker died, and the broker has lost the message.
  const abandoned = job({ jobId: "abandoned", prompt: text("abandoned") });
  await fleet.store.submit({ message: abandoned });
  await fleet.store.claim({ message: abandoned, workerId: "gone" });
  const late = job({ jobId: "late", limits: { queueSeconds: 0.1 } });
  await fleet.store.submit({ message: late });

  const end = await fleet.jobs.ended("late", 40_000);
  await fleet.startWorker();

  expect(end).toMatchObject({ state: "failed", seq: 1, error: { code: "QUEUE_DEADLINE" } });
  expect(await fleet.jobs.ended("unpublished", 40_000)).toMatchObject({
    state: "succeeded",
    attempt: 1,
  });
  expect(await fleet.jobs.ended("abandoned", 40_000)).toMatchObject({
    state: "succeeded",
    attempt: 2,
  });
  expect(await fleet.store.view("every-tenant", "unpublished")).toMatchObject({ tags: ["kept"] });
  for (const jobId of ["unpublished", "abandoned", "late"]) {
    const ends = fleet.jobs.events(jobId).filter(({ type }) => type === "job-end");
    expect(ends).toHaveLength(1);
  }
}, 120_000);

test("ends whose teller died before it could say them are said by a gateway, once, though no worker is there", async () => {
  await using service = await openService({ workers: 0, gateway: { MISSING_SECONDS: "1" } });
  const { fleet } = service;
  const { store } = fleet;
  const submit = (jobId: string, given: Partial<JobMessage> = {}) =>
    store.submit({ message: job({ jobId, ...given }) });
  await submit("cancelled");
  await store.cancel("every-tenant", "cancelled");
  await submit("refused");
  await store.refuse({ tenant: "default" }, "refused", jobError("INVALID_JSON", "no JSON"));
  await submit("buried");
  await store.claim({ message: job({ jobId: "buried" }), workerId: "gone" });
  await store.release("buried", 1, jobError("ENGINE_CRASHED", "bang"));
  await store.bury("buried", jobError("JOB_DEAD", "given up"));

  const ends = [];
  for (const jobId of ["cancelled", "refused", "buried"]) {
    ends.push(await fleet.jobs.ended(jobId, 40_000));
  }

  expect(ends).toMatchObject([
    { state: "cancelled", attempt: 1, seq: 1, error: { code: "JOB_CANCELLED" } },
    { state: "failed", attempt: 1, seq: 1, error: { code: "INVALID_JSON" } },
    { state: "dead", attempt: 2, seq: 1, error: { code: "JOB_DEAD" } },
  ]);
  await until("they are noted", async () => (await store.unsaid()).length === 0);
  for (const { jobId } of ends) {
    expect(fleet.jobs.events(jobId)).toHaveLength(1);
    expect(await store.find("every-tenant", jobId)).toMatchObject({ isAnnounced: true });
  }
}, 120_000);

test("more waiting jobs than one look sees, all with lower numbers, hide no lost job", async () => {
  await using service = await openService({ gateway: { MISSING_SECONDS: "1" } });
  const { store } = service.fleet;
  await Promise.all(
    Array.from({ length: 2_500 }, (_, index) =>
      store.submit({ message: job({ jobId: `w-${index}`, pool: "nobody" }), number: -1 }),
    ),
  );
  await store.submit({ message: job({ jobId: "lost", tenant: "two", prompt: text("lost") }) });

  expect(await service.fleet.jobs.ended("lost", 40_000)).toMatchObject({ state: "succeeded" });
}, 120_000);

test("jobs that no worker can read end, and other tenants' lost jobs are published all the same", async () => {
  await using service = await openService({ gateway: { MISSING_SECONDS: "1" } });
  const { fleet, redis } = service;
  const deep = job({ jobId: "deep", tenant: "one", prompt: text("deep") });
  deep.extraData.deep = nested(300);
  await fleet.store.submit({ message: deep });
  await fleet.send(stringifyJson(deep), { messageId: "deep" });
  const broken = job({ jobId: "broken", tenant: "one", prompt: text("broken") });
  await fleet.store.submit({ message: broken });
  const admin = new Redis(redis.redisUrl);
  await admin.hset(`{${redis.prefix}}:job:broken`, "payload", '{"prompt": ');
  await admin.quit();
  const lost = job({ jobId: "lost", tenant: "two", prompt: text("lost") });
  await fleet.store.submit({ message: lost });

  const ends = [];
  for (const { jobId } of [deep, broken, lost]) ends.push(await fleet.jobs.ended(jobId, 40_000));

  expect(ends).toMatchObject([
    { state: "dead", error: { code: "JOB_DEAD", message: expect.stringMatching(/nests deeper$/) } },
    {
      state: "dead",
      error: {
        code: "JOB_DEAD",
        message: expect.stringMatching(/record of job broken cannot be read/),
      },
    },
    { state: "succeeded", attempt: 1 },
  ]);
  for (const { jobId } of [deep, broken]) {
    const said = fleet.jobs.events(jobId).filter(({ type }) => type === "job-end");
    expect(said).toHaveLength(1);
    expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({ state: "dead" });
  }
}, 120_000);

test("a watched job whose gateway died while it made the stream is published with a whole one", async () => {
  await using service = await openService({ workers: 0, gateway: { MISSING_SECONDS: "1" } });
  const { fleet } = service;
  await fleet.store.submit({ message: job({ jobId: "watched", prompt: text("seen") }) });
  await fleet.store.noteStream("watched");
  // Declared, but nothing leads to it.
  await fleet.connection.withChannel((channel) =>
    channel.assertQueue(fleet.names.reply("watched"), {
      durable: true,
      arguments: replyStreamArguments,
    }),
  );
  await fleet.startWorker();

  const signal = AbortSignal.timeout(40_000);
  const types: string[] = [];
  const stream = readReplyStream(fleet.connection, fleet.names, { jobId: "watched", signal });
  for await (const { body, ...facts } of stream) {
    const read = { ...facts, text: () => body.toString("utf8"), bytes: () => body };
    types.push(...decodeEvents(read).map(({ type }) => type));
    if (types.at(-1) === "job-end") break;
  }
  expect([types.at(0), types.at(-1)]).toEqual(["job-start", "job-end"]);
}, 120_000);

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

test("a lost job is found although its lane is never empty", async () => {
  await using service = await openService({ gateway: { MISSING_SECONDS: "1" } });
  const { store, jobs } = service.fleet;
  await store.submit({ message: job({ jobId: "lost", prompt: text("lost") }) });

  const isFound = () => jobs.events("lost").some(({ type }) => type === "job-end");
  const keepBusy = async () => {
    while (!isFound()) {
      const { id } = await service.client.submit(steps({ steps: 2, ms: 50 }), { watch: false });
      await jobs.ended(id, 60_000);
    }
  };
  const queueAtStart = async () => {
    await jobs.event("lost", "job-start", { timeoutMs: 60_000 });
    return store.queueSize();
  };
  const [size] = await Promise.all([queueAtStart(), ...Array.from({ length: 10 }, keepBusy)]);

  expect(size).toBeGreaterThan(5);
  expect(await jobs.ended("lost")).toMatchObject({ state: "succeeded", attempt: 1 });
}, 120_000);

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

function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)];
}

async function forgetEverything({ redisUrl }: Pick<TestRedis, "redisUrl">): Promise<void> {
  const admin = new Redis(redisUrl);
  await admin.flushall();
  await admin.quit();
}
