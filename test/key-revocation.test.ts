/** What a revoked key has open at a gateway that Redis could not tell, and what its ticket opens afterwards. */
import { createClient } from "@rabbitloom/client";
import { type WatchTicket, watchTicketSchema } from "@rabbitloom/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openCutProxy } from "./support/cut-proxy.ts";
import { openService, painting, type TestService } from "./support/service.ts";
import { text } from "./support/toy-prompts.ts";

let service: TestService;
beforeAll(async () => {
  service = await openService({ gateway: { AUTH: "required" } });
}, 180_000);
afterAll(() => service[Symbol.asyncDispose]());

async function newKey(expiresAt?: Date) {
  const { key, secret } = await service.fleet.store.keys.create({
    tenant: "acme",
    scopes: ["submit", "read-own"],
    ...(expiresAt !== undefined && { expiresAt }),
  });
  return { id: key.id, secret, headers: { authorization: `Bearer ${secret}` } };
}

const clientOf = (apiKey: string) => createClient({ baseUrl: service.url, apiKey, WebSocket });

test("a key revoked while its gateway is cut off from Redis loses its socket and its event stream", async () => {
  await using proxy = await openCutProxy(service.redis.redisUrl);
  const cutOff = await service.startGateway({ AUTH: "required", REDIS_URL: proxy.url });
  const [revoked, other] = [await newKey(), await newKey()];
  const open = async ({ headers }: { headers: { authorization: string } }) => {
    const socket = new WebSocket(`${cutOff.url.replace("http", "ws")}/ws`, { headers });
    const closed = new Promise<number>((resolve) => socket.once("close", resolve));
    await new Promise((resolve) => socket.once("message", resolve));
    return { socket, closed };
  };
  const [mine, theirs] = [await open(revoked), await open(other)];
  const job = await clientOf(revoked.secret).submit(painting({ steps: 1_000, ms: 100 }));
  const { headers } = revoked;
  const events = await fetch(`${cutOff.url}/api/v1/jobs/${job.id}/events`, { headers });
  expect(events.status).toBe(200);

  proxy.close();
  proxy.cut();
  await service.fleet.store.keys.revoke(revoked.id);
  proxy.open();

  expect(await mine.closed).toBe(1008);
  await expect(events.text()).rejects.toThrow();
  expect(theirs.socket.readyState).toBe(WebSocket.OPEN);
  theirs.socket.terminate();
  await service.fleet.store.cancel({ tenant: "acme" }, job.id);
}, 90_000);

function connectStomp({ url, host, login, passcode }: WatchTicket): WebSocket {
  const socket = new WebSocket(url, ["v12.stomp"]);
  socket.on("open", () => {
    const headers = { "accept-version": "1.2", host, login, passcode };
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}`);
    socket.send(["CONNECT", ...lines, "", "\0"].join("\n"));
  });
  return socket;
}

/** Shows a ticket at `/stomp`, and says what came of it. */
function show(ticket: WatchTicket): Promise<string> {
  const socket = connectStomp(ticket);
  return new Promise<string>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (data) => resolve(String(data).split("\n", 1)[0] ?? ""));
    socket.on("close", (code, reason) => resolve(`${code} ${reason}`));
  }).finally(() => socket.terminate());
}

describe("a ticket opens nothing any more", () => {
  const REFUSED = "1008 the ticket's job or key is gone";

  async function newTicket() {
    const key = await newKey();
    const job = await clientOf(key.secret).submit(text("watched"));
    const url = `${service.url}/api/v1/jobs/${job.id}/watch`;
    const answer = await fetch(url, { method: "POST", headers: key.headers });
    const ticket = watchTicketSchema.parse(await answer.json());
    await job.result();
    expect(await show(ticket)).toBe("CONNECTED");
    return { key, job, ticket };
  }

  test("when its key is revoked, while another key's still does", async () => {
    const [revoked, other] = [await newTicket(), await newTicket()];
    await service.fleet.store.keys.revoke(revoked.key.id);
    expect(await show(revoked.ticket)).toBe(REFUSED);
    expect(await show(other.ticket)).toBe("CONNECTED");
  });

  test("when its job is deleted, while another job's still does", async () => {
    const [deleted, other] = [await newTicket(), await newTicket()];
    const answer = await fetch(`${service.url}/history`, {
      method: "POST",
      headers: deleted.key.headers,
      body: JSON.stringify({ delete: [deleted.job.id] }),
    });
    expect(answer.status).toBe(200);
    expect(await show(deleted.ticket)).toBe(REFUSED);
    expect(await show(other.ticket)).toBe("CONNECTED");
  });
});

test("a ticket and the socket it opened end with the credentials it was given for", async () => {
  const expiresAt = new Date(Date.now() + 8_000);
  const key = await newKey(expiresAt);
  const job = await clientOf(key.secret).submit(text("watched"));
  const url = `${service.url}/api/v1/jobs/${job.id}/watch`;
  const answer = await fetch(url, { method: "POST", headers: key.headers });
  const ticket = watchTicketSchema.parse(await answer.json());
  expect(Date.parse(ticket.expiresAt)).toBeLessThanOrEqual(expiresAt.getTime());

  const socket = connectStomp(ticket);
  const heard: string[] = [];
  socket.on("message", (data) => heard.push(String(data).split("\n", 1)[0] ?? ""));
  const closed = new Promise<string>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", (code, reason) => resolve(`${code} ${reason}`));
  });
  expect(await closed).toBe("1008 the credentials have expired");
  expect(heard[0]).toBe("CONNECTED");
  expect(Date.now()).toBeGreaterThan(Date.parse(ticket.expiresAt));
});
