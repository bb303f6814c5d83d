/** The SDK at a gateway that asks for keys, and what becomes of what it has open when its key is revoked. */
import { createClient, RemoteClient } from "@rabbitloom/client";
import type { JobEvent } from "@rabbitloom/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openService, painting, type TestService } from "./support/service.ts";
import { text } from "./support/toy-prompts.ts";

let service: TestService;
beforeAll(async () => {
  service = await openService({ workers: 2, gateway: { AUTH: "required" } });
}, 180_000);
afterAll(() => service[Symbol.asyncDispose]());

/** Long enough to be cut in the middle on any machine; cancelled at the end of its test. */
const longJob = () => painting({ steps: 1_000, ms: 100 });

async function newKey() {
  const { store } = service.fleet;
  const { key, secret } = await store.keys.create({
    tenant: "acme",
    scopes: ["submit", "read-own"],
  });
  return {
    secret,
    revoke: () => store.keys.revoke(key.id),
    async [Symbol.asyncDispose]() {
      for (const { id } of (await store.queue({ tenant: "acme" })).running) {
        await service.fleet.store.cancel({ tenant: "acme" }, id);
      }
    },
  };
}

test("with a key the SDK submits, watches over STOMP and reads results; without one it is UNAUTHORIZED", async () => {
  const { secret } = await newKey();
  const client = createClient({
    baseUrl: service.url,
    apiKey: secret,
    WebSocket,
    transport: "stomp",
  });
  const job = await client.submit(text("with a key"), { tags: ["mine"] });
  const types: string[] = [];
  for await (const { type } of job.events()) types.push(type);
  expect(types.at(-1)).toBe("job-end");
  expect((await job.result()).end.outputs).toEqual({ "1": { text: ["with a key"] } });
  expect((await client.jobs({ tags: ["mine"] })).map(({ id }) => id)).toEqual([job.id]);

  const nobody = createClient({ baseUrl: service.url, WebSocket });
  await expect(nobody.submit(text("no key"))).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  await expect(nobody.job(job.id)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
});

test("the remote client's key opens the gateway, and a wrong one does not", async () => {
  const { secret } = await newKey();
  const remoteOf = (apiKey: string) =>
    new RemoteClient({ serverAddress: service.url, apiKey, WebSocket });
  const { outputs } = await remoteOf(secret).queuePromptApi(text("remote"));
  expect(outputs).toEqual({ "1": { text: ["remote"] } });
  await expect(remoteOf(`${secret}x`).queuePromptApi(text("x"))).rejects.toMatchObject({
    code: "UNAUTHORIZED",
  });
});

describe("a watch that is open when its key is revoked ends, and the SDK says why:", () => {
  test.each(["stomp", "sse"] as const)("%s", async (transport) => {
    await using key = await newKey();
    const client = createClient({
      baseUrl: service.url,
      apiKey: key.secret,
      WebSocket,
      transport,
      // Nothing but the cut itself may make it ask again.
      quietMs: 100_000,
    });
    const job = await client.submit(longJob());
    const seen: JobEvent[] = [];
    const watching = (async () => {
      for await (const event of job.events()) {
        seen.push(event);
        if (seen.length === 3) await key.revoke();
      }
    })();
    await expect(watching).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(seen.at(-1)?.type).not.toBe("job-end");
  });
});

describe("an event stream ends with its key:", () => {
  test.each(["/api/v1", "/api/v2"])("%s", async (surface) => {
    await using key = await newKey();
    const headers = { authorization: `Bearer ${key.secret}` };
    const client = createClient({ baseUrl: service.url, apiKey: key.secret, WebSocket });
    const { id } = await client.submit(longJob());
    const url = `${service.url}${surface}/jobs/${id}/events`;
    const response = await fetch(url, { headers });
    expect(response.status).toBe(200);
    const reading = (async () => {
      let heard = "";
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        const isFirst = heard === "";
        heard += decoder.decode(chunk, { stream: true });
        if (isFirst) await key.revoke();
      }
    })();
    // A proper end would be an answer that is whole: the connection is cut.
    await expect(reading).rejects.toThrow();
    expect((await fetch(url, { headers })).status).toBe(401);
  });
});
