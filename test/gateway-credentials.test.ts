/** What is no credential, and what a credential does not allow, each with its refusal; docs/security.md has the table. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { type Ask, type GuardedGateway, guardedGateway } from "./support/guarded-gateway.ts";

let gateway: GuardedGateway;
let reader: { authorization: string };
let sender: { authorization: string; keyId: string };
let operator: { authorization: string };

beforeAll(async () => {
  gateway = await guardedGateway({ RATE_LIMIT_PER_MINUTE: "10000" });
  reader = await gateway.bearer({ tenant: "acme", scopes: ["read-own"] });
  sender = await gateway.bearer({ tenant: "acme", scopes: ["submit", "read-own"] });
  operator = await gateway.bearer({ tenant: "staff", scopes: ["operate", "read-all"] });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const ask = (headers: Record<string, string>, options: Ask) =>
  gateway.app.inject({ ...options, headers });
const statusOf = async (headers: Record<string, string>, options: Ask) =>
  (await ask(headers, options)).statusCode;
const bearer = ({ authorization }: { authorization: string }) => ({ authorization });

test.each([
  ["GET", "/api/v1/jobs"],
  ["POST", "/api/v1/prompts"],
  ["GET", "/api/v1/prompts"],
  ["GET", "/api/v1/keys"],
  ["GET", "/api/v1/me"],
  ["POST", "/prompt"],
  ["POST", "/api/prompt"],
  ["GET", "/queue"],
  ["POST", "/queue"],
  ["POST", "/interrupt"],
  ["GET", "/history"],
  ["POST", "/history"],
  ["GET", "/view?filename=a.png"],
  ["POST", "/upload/image"],
  ["POST", "/upload/mask"],
  ["GET", "/object_info"],
  ["GET", "/settings"],
  ["GET", "/system_stats"],
  ["POST", "/free"],
  ["GET", "/metrics"],
] as const)("%s %s without credentials is 401 and says how to show some", async (method, url) => {
  const answer = await ask({}, { method, url });
  expect(answer.statusCode).toBe(401);
  expect(answer.headers["www-authenticate"]).toMatch(/^Bearer/);
});

test("every route but the public ones asks for credentials", async () => {
  const open: string[] = [];
  for (const path of ["/livez", "/readyz", "/openapi.json", "/docs", "/", "/no-such-route"]) {
    if ((await statusOf({}, { url: path })) !== 401) open.push(path);
  }
  expect(open).toEqual(["/livez", "/readyz", "/openapi.json", "/docs", "/", "/no-such-route"]);
});

/** Public by docs/security.md. `/stomp` asks by its first frame: a ticket. */
const PUBLIC: readonly string[] = [
  "GET /livez",
  "GET /readyz",
  "GET /openapi.json",
  "GET /docs",
  "DELETE /api/v1/session",
  "GET /stomp",
];

test("every operation of the document that is not public is 401 without credentials", async () => {
  const { paths } = documentSchema.parse((await ask({}, { url: "/openapi.json" })).json());
  const asked: string[] = [];
  for (const [path, item] of Object.entries(paths)) {
    const urls = (item.servers ?? [{ url: "/" }]).map(({ url }) => url.replace(/\/$/, "") + path);
    for (const method of METHODS.filter((name) => item[name] !== undefined)) {
      for (const url of urls.map((given) => given.replaceAll(/\{\w+\}/g, "known"))) {
        const operation = `${method.toUpperCase()} ${url}`;
        if (PUBLIC.includes(operation)) continue;
        const { statusCode } = await gateway.app.inject({ method, url });
        expect([operation, statusCode]).toEqual([operation, 401]);
        asked.push(operation);
      }
    }
  }
  expect(asked.length).toBeGreaterThan(80);
  expect(asked).toContain("POST /api/prompt");
});

const METHODS = ["get", "head", "post", "put", "patch", "delete"] as const;
const documentSchema = z.object({
  paths: z.record(
    z.string(),
    z.looseObject({ servers: z.array(z.object({ url: z.string() })).optional() }),
  ),
});

test.each([
  ["no key at all", "Bearer nonsense"],
  ["another scheme", "Basic bG9vbTpsb29t"],
  ["a key that was never made", `Bearer loom_k000000000000_${"A".repeat(43)}`],
  ["an empty one", "Bearer "],
])("%s is 401", async (_, authorization) => {
  expect(await statusOf({ authorization }, { url: "/api/v1/me" })).toBe(401);
});

test("X-API-Key carries a key as well", async () => {
  const key = sender.authorization.replace("Bearer ", "");
  expect(await statusOf({ "x-api-key": key }, { url: "/api/v1/me" })).toBe(200);
});

test("an expired key is 401", async () => {
  const old = await gateway.bearer({
    tenant: "acme",
    scopes: ["read-own"],
    expiresAt: new Date(Date.now() - 1_000),
  });
  expect(await statusOf(bearer(old), { url: "/api/v1/me" })).toBe(401);
});

test.each([
  ["read-own", () => reader, "POST", "/prompt"],
  ["read-own", () => reader, "POST", "/upload/image"],
  ["read-own", () => reader, "POST", "/interrupt"],
  ["submit", () => sender, "POST", "/free"],
  ["submit", () => sender, "GET", "/metrics"],
  ["submit", () => sender, "GET", "/api/v1/keys"],
  ["submit", () => sender, "POST", "/api/v1/keys"],
  ["submit", () => sender, "DELETE", "/api/v1/keys/k000000000000"],
  ["operate", () => operator, "POST", "/prompt"],
] as const)("the scope %s does not allow what another one does", async (_, who, method, url) => {
  expect(await statusOf(bearer(who()), { method, url })).toBe(403);
});

test("an operator makes a key over HTTP, whose secret Redis does not hold, and revokes it", async () => {
  const made = await ask(bearer(operator), {
    method: "POST",
    url: "/api/v1/keys",
    payload: JSON.stringify({ tenant: "acme", scopes: ["read-own"], name: "shop" }),
  });
  const { key, secret } = made.json<{ key: { id: string }; secret: string }>();
  const authorization = `Bearer ${secret}`;
  expect((await ask({ authorization }, { url: "/api/v1/me" })).json()).toEqual({
    tenant: "acme",
    scopes: ["read-own"],
    keyId: key.id,
  });
  expect((await ask(bearer(operator), { url: "/api/v1/keys" })).body).not.toContain(secret);

  const url = `/api/v1/keys/${key.id}`;
  expect(await statusOf(bearer(operator), { method: "DELETE", url })).toBe(204);
  expect(await statusOf({ authorization }, { url: "/api/v1/me" })).toBe(401);
});

test("a session is a cookie for the gateway's own pages, and ends with its key", async () => {
  const key = await gateway.bearer({ tenant: "acme", scopes: ["submit", "read-own"] });
  const opened = await ask(bearer(key), { method: "POST", url: "/api/v1/session" });
  const header = String(opened.headers["set-cookie"]);
  expect(header).toMatch(/; HttpOnly; SameSite=Strict;/);
  const cookie = header.split(";", 1)[0] ?? "";

  expect(await statusOf({ cookie }, { url: "/history" })).toBe(200);
  const foreign = { cookie, host: "loom.example.org", origin: "https://evil.example.org" };
  expect(await statusOf(foreign, { method: "POST", url: "/interrupt" })).toBe(401);
  await gateway.store.keys.revoke(key.keyId);
  expect(await statusOf({ cookie }, { url: "/history" })).toBe(401);
});

test("behind a proxy that speaks TLS the session's cookie is Secure, set and taken away", async () => {
  await using behind = await guardedGateway({ PUBLIC_URL: "https://loom.example.org" });
  const key = await behind.bearer({ tenant: "acme", scopes: ["read-own"] });
  for (const method of ["POST", "DELETE"] as const) {
    const answer = await behind.app.inject({
      method,
      url: "/api/v1/session",
      headers: bearer(key),
    });
    expect(answer.headers["set-cookie"]).toMatch(/; Secure$/);
  }
});

test("a token in an address reads and does nothing else, and no other token stands for it", async () => {
  const made = await ask(bearer(sender), { method: "POST", url: "/api/v1/url-tokens" });
  const { token } = made.json<{ token: string }>();
  const session = await ask(bearer(sender), { method: "POST", url: "/api/v1/session" });
  const cookie = /loom_session=([^;]*)/.exec(String(session.headers["set-cookie"]))?.[1] ?? "";
  const job = await gateway.submit(sender);
  const watch = await ask(bearer(sender), { method: "POST", url: `/api/v1/jobs/${job}/watch` });
  const { passcode } = watch.json<{ passcode: string }>();

  expect(await statusOf({}, { url: `/history?token=${token}` })).toBe(200);
  expect(await statusOf({}, { method: "POST", url: `/prompt?token=${token}` })).toBe(401);
  expect(await statusOf({ authorization: `Bearer ${token}` }, { url: "/history" })).toBe(401);
  for (const other of [cookie, passcode, "nonsense"]) {
    expect(await statusOf({}, { url: `/history?token=${other}` })).toBe(401);
  }
  expect(await statusOf({ authorization: `Bearer ${passcode}` }, { url: "/history" })).toBe(401);
});

test("one request too many of a key is 429 with the time to wait, and another key is not concerned", async () => {
  await using strict = await guardedGateway({ RATE_LIMIT_PER_MINUTE: "2" });
  const [busy, calm] = [
    await strict.bearer({ tenant: "acme", scopes: ["read-own"] }),
    await strict.bearer({ tenant: "acme", scopes: ["read-own"] }),
  ];
  const me = (key: { authorization: string }) =>
    strict.app.inject({ url: "/api/v1/me", headers: bearer(key) });
  expect((await me(busy)).headers).toMatchObject({ "ratelimit-remaining": "1" });
  await me(busy);
  const refused = await me(busy);
  expect(refused.statusCode).toBe(429);
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(1);
  expect((await me(calm)).statusCode).toBe(200);
});

test.each([
  ["jobs", { MAX_PENDING_PER_TENANT: "1" }],
  // One has some 230.
  ["bytes", { MAX_PENDING_BYTES_PER_TENANT: "400" }],
])(
  "a tenant with as many waiting %s as it may is 429, and another tenant is not",
  async (_what, limit) => {
    await using strict = await guardedGateway(limit);
    const [acme, beta] = [
      await strict.bearer({ tenant: "acme", scopes: ["submit"] }),
      await strict.bearer({ tenant: "beta", scopes: ["submit"] }),
    ];
    await strict.submit(acme);
    await expect(strict.submit(acme)).rejects.toThrow(/QUEUE_FULL/);
    await strict.submit(beta);
  },
);

test("a socket without credentials is refused, and one whose key is revoked is closed", async () => {
  const address = await gateway.app.listen({ host: "127.0.0.1", port: 0 });
  const url = `${address.replace("http", "ws")}/ws`;
  const refused = await new Promise<string>((resolve) => {
    new WebSocket(url).on("error", ({ message }) => resolve(message));
  });
  expect(refused).toContain("401");

  const key = await gateway.bearer({ tenant: "acme", scopes: ["read-own"] });
  const socket = new WebSocket(url, { headers: bearer(key) });
  await new Promise((resolve) => socket.once("message", resolve));
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  await gateway.store.keys.revoke(key.keyId);
  expect(await closed).toBe(1008);
});

test("every refusal and every change is one line of the audit log, without a secret", async () => {
  const key = await gateway.bearer({ tenant: "acme", scopes: ["submit", "read-own"] });
  const job = await gateway.submit(key);
  await ask(bearer(key), { method: "POST", url: `/api/v1/jobs/${job}/cancel` });
  await ask(bearer(key), { url: "/api/v1/keys" });
  const lines = () =>
    gateway.audit
      .map((line) => JSON.parse(line))
      .filter(({ keyId }) => keyId === key.keyId)
      .map(({ method, route, status, tenant, target }) => [method, route, status, tenant, target]);
  await expect.poll(lines).toEqual([
    ["POST", "/prompt", 200, "acme", job],
    ["POST", "/api/v1/jobs/:id/cancel", 200, "acme", job],
    ["GET", "/api/v1/keys", 403, "acme", undefined],
  ]);
  expect(gateway.audit.join("\n")).not.toContain(key.authorization.slice(12));
});
