/** What clients see when the broker or the store goes, and what the STOMP door lets in. */
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { openBroker, openPrivateBroker } from "./support/broker.ts";
import { openFleet } from "./support/fleet.ts";
import { spawnGateway } from "./support/gateway-process.ts";
import { job } from "./support/job-store.ts";
import { openPrivateRedis, openRedis } from "./support/redis.ts";
import { openService } from "./support/service.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/api/v1/prompts`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

test("without the broker nothing is accepted, and when it is back a waiting client is answered", async () => {
  await using broker = await openPrivateBroker();
  await using redis = await openRedis();
  await using fleet = await openFleet({ broker, redis });
  await fleet.spawnWorker();
  const gateway = await spawnGateway({ broker, redis, fleet });
  try {
    await until("ready", async () => (await fetch(`${gateway.url}/readyz`)).status === 200);
    const waiting = post(gateway.url, { prompt: steps({ steps: 60, ms: 50 }), prompt_id: "waits" });
    await fleet.jobs.event("waits", "node-progress");
    await broker.stop();
    await until("not ready", async () => (await fetch(`${gateway.url}/readyz`)).status === 503);
    expect((await fetch(`${gateway.url}/livez`)).status).toBe(200);
    const refused = await post(gateway.url, text("no"), { prefer: "respond-async" });
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).not.toBeNull();
    expect(await refused.json()).toMatchObject({ code: "BROKER_UNAVAILABLE" });
    await broker.start();
    await until(
      "ready again",
      async () => (await fetch(`${gateway.url}/readyz`)).status === 200,
      30_000,
    );
    expect((await waiting).status).toBe(200);
    expect((await post(gateway.url, text("yes"))).status).toBe(200);
  } finally {
    await gateway.kill("SIGTERM");
  }
}, 120_000);

test("a job refused while the broker is away never runs, its client's id unknown to the gateway until then", async () => {
  await using broker = await openPrivateBroker();
  await using redis = await openRedis();
  await using fleet = await openFleet({ broker, redis });
  await fleet.spawnWorker();
  const gateway = await spawnGateway({ broker, redis, fleet }, { MISSING_SECONDS: "1" });
  const submit = (prompt_id: string) =>
    post(
      gateway.url,
      { prompt: text(prompt_id), prompt_id, client_id: "new here" },
      { prefer: "respond-async" },
    );
  try {
    await until("ready", async () => (await fetch(`${gateway.url}/readyz`)).status === 200);
    await broker.stop();
    await until("not ready", async () => (await fetch(`${gateway.url}/readyz`)).status === 503);
    const refused = await submit("refused");
    expect(refused.status).toBe(503);
    expect((await fetch(`${gateway.url}/api/v1/jobs/refused`)).status).toBe(404);
    await broker.start();
    // A lost job that the sweeper does find shows that it has looked.
    await fleet.store.submit({ message: job({ jobId: "lost", prompt: text("lost") }) });
    expect(await fleet.jobs.ended("lost", 60_000)).toMatchObject({ state: "succeeded" });
    expect(fleet.jobs.events("refused")).toEqual([]);
    expect((await submit("refused")).status).toBe(202);
    expect(await fleet.jobs.ended("refused")).toMatchObject({ state: "succeeded", attempt: 1 });
  } finally {
    await gateway.kill("SIGTERM");
  }
}, 120_000);

test("without Redis the answer is 503, and the gateway comes back with it", async () => {
  await using redis = await openPrivateRedis();
  await using fleet = await openFleet({ redis });
  await fleet.spawnWorker();
  await using broker = await openBroker();
  const gateway = await spawnGateway({ broker, redis, fleet });
  try {
    await until("ready", async () => (await fetch(`${gateway.url}/readyz`)).status === 200);
    await redis.stop();
    const refused = await post(gateway.url, text("no"));
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${gateway.url}/queue`)).status).toBe(503);
    await redis.start();
    await until(
      "ready again",
      async () => (await fetch(`${gateway.url}/readyz`)).status === 200,
      30_000,
    );
  } finally {
    await gateway.kill("SIGTERM");
  }
}, 120_000);

test("a full queue is 429 with Retry-After, and what was refused is nowhere", async () => {
  await using redis = await openRedis();
  const limits = { maxLength: 3 };
  await using fleet = await openFleet({ redis, queueLimits: limits });
  const worker = await fleet.startWorker();
  await using broker = await openBroker();
  const gateway = await spawnGateway({ broker, redis, fleet }, { MAX_QUEUE_LENGTH: "3" });
  try {
    await until("ready", async () => (await fetch(`${gateway.url}/readyz`)).status === 200);
    await worker.drain();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        post(gateway.url, text(`${i}`), { prefer: "respond-async" }),
      ),
    );
    const accepted = answers.filter(({ status }) => status === 202);
    const refused = answers.filter(({ status }) => status === 429);
    expect(accepted.length + refused.length).toBe(12);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.headers.get("retry-after")).not.toBeNull();
    expect(await refused[0]?.json()).toMatchObject({ code: "QUEUE_FULL", retryable: true });
    const { exec_info } = await (await fetch(`${gateway.url}/prompt`)).json();
    expect(exec_info.queue_remaining).toBe(accepted.length);
  } finally {
    await gateway.kill("SIGTERM");
  }
}, 60_000);

test("the STOMP door opens for tickets alone", async () => {
  await using service = await openService({ workers: 0 });
  const { username, password } = new URL(service.broker.amqpUrl);
  const url = `${service.url.replace("http", "ws")}/stomp`;
  const connect = (login: string, passcode: string) =>
    `CONNECT\naccept-version:1.2\nhost:/\nlogin:${login}\npasscode:${passcode}\n\n\0`;
  const closeCode = (first: string) =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(url, ["v12.stomp"]);
      socket.on("open", () => socket.send(first));
      socket.on("message", (data) => expect(String(data)).not.toContain("CONNECTED"));
      socket.on("close", (code) => resolve(code));
      socket.on("error", () => {});
    });
  expect(await closeCode(connect(username, password))).toBe(1008);
  expect(await closeCode(connect("guest", "guest"))).toBe(1008);
  expect(await closeCode("SUBSCRIBE\ndestination:/queue/a\n\n\0")).toBe(1008);
  expect(await closeCode("GET / HTTP/1.1\r\n\r\n")).toBe(1008);
  expect(await closeCode(`CONNECT\nlogin:${"x".repeat(20_000)}\n\n\0`)).toBe(1008);
  // The shape of a ticket, but nobody's signature: it is the broker that says no.
  expect(await closeCode(connect("job.a", "a.b.c"))).toBe(1008);
}, 60_000);
