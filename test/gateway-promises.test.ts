/** Whoever was told that a job is taken has it, whatever its first request is still to meet. */
import { expect, test } from "vitest";
import { openCutProxy } from "./support/cut-proxy.ts";
import { openService } from "./support/service.ts";
import { text } from "./support/toy-prompts.ts";
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
