/** Whoever was told that a job is taken has it, whatever its first request is still to meet. */
import { expect, test } from "vitest";
import { openCutProxy } from "./support/cut-proxy.ts";
import { openService } from "./support/service.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

test("a second request that joins a job under a key has it, though the first one could not publish", async () => {
  await using service = await openService({ gateway: { MISSING_SECONDS: "8" } });
  const { store, jobs } = service.fleet;
  await using proxy = await openCutProxy(service.broker.amqpUrl);
  const first = await service.startGateway({ AMQP_URL: proxy.url });
  const submit = (url: string, headers = {}) =>
    fetch(`${url}/api/v1/prompts`, {
      method: "POST",
      headers: { "content-type": "application/json", prefer: "respond-async", ...headers },
      body: JSON.stringify({ prompt: text("joined"), prompt_id: "joined" }),
    });
  await until("ready", async () => (await fetch(`${first.url}/readyz`)).status === 200);
  proxy.delay(60_000);
  const taken = submit(first.url);
  await until("recorded", async () => (await store.view("every-tenant", "joined")) !== undefined);

  const joined = await submit(service.url, { "idempotency-key": "key-of-joined" });
  proxy.close();
  proxy.cut();

  expect([joined.status, (await taken).status]).toEqual([202, 202]);
  expect(await jobs.ended("joined", 40_000)).toMatchObject({ state: "succeeded" });
}, 120_000);

test("the key of a job whose gateway died before it could publish stays with it, though the next one cannot publish either", async () => {
  await using service = await openService({ gateway: { MISSING_SECONDS: "60" } });
  const { store, jobs } = service.fleet;
  await using proxy = await openCutProxy(service.broker.amqpUrl);
  const variables = { AMQP_URL: proxy.url, MISSING_SECONDS: "60" };
  const [doomed, cutOff] = [
    await service.startGateway(variables),
    await service.startGateway(variables),
  ];
  const submit = (url: string) =>
    fetch(`${url}/api/v2/jobs`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": "of-the-doomed",
        prefer: "idempotent-replay",
      },
      body: JSON.stringify({ workflow: text("left behind") }),
    });
  for (const { url } of [doomed, cutOff]) {
    await until("ready", async () => (await fetch(`${url}/readyz`)).status === 200);
  }
  proxy.delay(60_000);
  const lost = expect(submit(doomed.url)).rejects.toThrow();
  await until("recorded", async () => (await store.list("every-tenant")).total === 1);
  await doomed.kill("SIGKILL");
  await lost;
  proxy.close();
  proxy.cut();

  await until("it cannot publish", async () => (await submit(cutOff.url)).status === 503, 30_000);
  await cutOff.kill("SIGKILL");
  const answer = await submit(service.url);

  expect(answer.status).toBe(201);
  const { id } = await answer.json();
  expect(await jobs.ended(id, 40_000)).toMatchObject({ state: "succeeded" });
  expect((await store.list("every-tenant")).total).toBe(1);
}, 120_000);

test("a client whose job has ended and been cleared while its gateway heard nothing is told so", async () => {
  await using service = await openService();
  const { store, jobs } = service.fleet;
  await using proxy = await openCutProxy(service.broker.amqpUrl);
  const deaf = await service.startGateway({ AMQP_URL: proxy.url });
  await until("ready", async () => (await fetch(`${deaf.url}/readyz`)).status === 200);
  const waiting = fetch(`${deaf.url}/api/v1/prompts`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": "cleared" },
    body: JSON.stringify(steps({ steps: 20, ms: 50 })),
  });
  await jobs.event("cleared", "node-progress");
  proxy.close();
  proxy.cut();
  await jobs.ended("cleared");
  await store.forgetAllEnded("every-tenant");
  proxy.open();

  const answer = await waiting;

  expect(answer.status).toBe(410);
  expect(await answer.json()).toMatchObject({ code: "JOB_EXPIRED" });
}, 120_000);
