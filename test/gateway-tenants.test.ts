/** Attacks on another tenant's jobs and files, each with its refusal; docs/security.md has the same table. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { savePrompt } from "../apps/gateway/test/support/instant-worker.ts";
import { type Ask, type GuardedGateway, guardedGateway } from "./support/guarded-gateway.ts";

let gateway: GuardedGateway;
let acme: { authorization: string };
let beta: { authorization: string };
let done: string;
let waits: string;

beforeAll(async () => {
  gateway = await guardedGateway();
  acme = await gateway.bearer({ tenant: "acme", scopes: ["submit", "read-own"] });
  beta = await gateway.bearer({ tenant: "beta", scopes: ["submit", "read-own"] });
  done = await gateway.submit(acme, "same-client");
  await gateway.finish(done, "acme.png");
  waits = await gateway.submit(acme, "same-client");
});
afterAll(() => gateway[Symbol.asyncDispose]());

const as = (who: { authorization: string }, options: Ask) =>
  gateway.app.inject({ ...options, headers: { authorization: who.authorization } });

/** Places with the job of the other tenant. */
const byId: readonly [what: string, method: "GET" | "POST", path: (id: string) => string][] = [
  ["the job", "GET", (id) => `/api/v1/jobs/${id}`],
  ["its events", "GET", (id) => `/api/v1/jobs/${id}/events`],
  ["a ticket for its stream", "POST", (id) => `/api/v1/jobs/${id}/watch`],
  ["its cancellation", "POST", (id) => `/api/v1/jobs/${id}/cancel`],
  ["its outcome", "GET", (id) => `/api/v1/prompts/${id}`],
];

test.each(byId)("%s of another tenant is as if there were none", async (_, method, path) => {
  const [theirs, nobodys] = [
    await as(beta, { method, url: path(done) }),
    await as(beta, { method, url: path("no-such-job") }),
  ];
  expect(theirs.statusCode).toBe(404);
  expect(theirs.body.replaceAll(done, "X")).toBe(nobodys.body.replaceAll("no-such-job", "X"));
});

test.each([
  ["/view?filename=acme.png", 404],
  ["/view?filename=acme.png&subfolder=../../acme/output", 403],
  ["/view?filename=acme.png&subfolder=tenants/acme/output", 404],
  ["/view?filename=..%2F..%2Facme%2Foutput%2Facme.png", 400],
])("%s shows another tenant no file", async (url, status) => {
  expect((await as(acme, { url: "/view?filename=acme.png" })).body).toBe("picture");
  expect((await as(beta, { url })).statusCode).toBe(status);
});

test("the id of a job that its tenant has deleted is refused to another one, and has no events of it", async () => {
  const send = (who: { authorization: string }) =>
    gateway.app.inject({
      method: "POST",
      url: "/api/v1/prompts",
      headers: { ...who, "content-type": "application/json", prefer: "respond-async" },
      payload: JSON.stringify({ prompt: savePrompt, prompt_id: "order-17", watch: true }),
    });
  expect((await send(acme)).statusCode).toBe(202);
  await gateway.finish("order-17", "order.png");
  await as(acme, {
    method: "POST",
    url: "/history",
    payload: JSON.stringify({ delete: ["order-17"] }),
  });

  const theirs = await send(beta);

  expect([theirs.statusCode, theirs.json().code]).toEqual([409, "CONFLICT"]);
  expect((await as(beta, { url: "/api/v1/jobs/order-17/events" })).statusCode).toBe(404);
  expect((await send(acme)).statusCode).toBe(202);
  expect(gateway.amqp.streamed.get("order-17")).toEqual([]);
  // Those after this one count the jobs.
  const { store } = gateway;
  await store.cancel("every-tenant", "order-17");
  await store.forget("every-tenant", ["order-17"]);
});

test("lists hold the own jobs only", async () => {
  const lists = async (who: { authorization: string }) => {
    const history = (await as(who, { url: "/history" })).json<object>();
    const { jobs, pagination } = (await as(who, { url: "/api/v1/jobs" })).json<{
      jobs: { id: string }[];
      pagination: { total: number };
    }>();
    const queue = (await as(who, { url: "/queue" })).json<{ queue_pending: unknown[][] }>();
    return [
      Object.keys(history),
      jobs.map(({ id }) => id),
      pagination.total,
      queue.queue_pending.map(([, id]) => id),
    ];
  };
  expect(await lists(beta)).toEqual([[], [], 0, []]);
  expect(await lists(acme)).toEqual([[done], [waits, done], 2, [waits]]);
});

test.each([
  ["/queue", () => ({ delete: [waits] })],
  ["/queue", () => ({ clear: true })],
  ["/interrupt", () => ({ prompt_id: waits })],
  ["/history", () => ({ delete: [done] })],
  ["/history", () => ({ clear: true })],
])("POST %s touches no job of another tenant", async (url, body) => {
  const answer = await as(beta, { method: "POST", url, payload: JSON.stringify(body()) });
  expect(answer.statusCode).toBe(200);
  expect(await gateway.store.view({ tenant: "acme" }, waits)).toMatchObject({ state: "pending" });
  expect(await gateway.store.view({ tenant: "acme" }, done)).toMatchObject({ state: "succeeded" });
});

test("a job that is no longer kept is 410 for its tenant and 404 for another", async () => {
  const old = await gateway.submit(acme);
  await gateway.finish(old, "old.png");
  await gateway.store.forget({ tenant: "acme" }, [old]);
  const url = `/api/v1/jobs/${old}`;
  expect((await as(acme, { url })).statusCode).toBe(410);
  expect((await as(beta, { url })).statusCode).toBe(404);
});

test("the same job id of another tenant is refused, and a message that claims it runs nothing", async () => {
  const message = {
    ...JSON.parse(gateway.amqp.jobs.find((job) => job.jobId === waits)?.body ?? ""),
  };
  const claim = await gateway.store.claim({
    message: { ...message, tenant: "beta" },
    workerId: "w",
  });
  expect(claim.type).toBe("foreign");
  expect(await gateway.store.view({ tenant: "acme" }, waits)).toMatchObject({ state: "pending" });
});

test("an operator sees and cancels every tenant's jobs by id; one who only reads all cancels none", async () => {
  const job = await gateway.submit(acme);
  const operator = await gateway.bearer({
    tenant: "staff",
    scopes: ["submit", "operate", "read-all"],
  });
  const auditor = await gateway.bearer({ tenant: "staff", scopes: ["submit", "read-all"] });
  const url = `/api/v1/jobs/${job}`;
  expect((await as(auditor, { url })).statusCode).toBe(200);
  expect((await as(auditor, { method: "POST", url: `${url}/cancel` })).statusCode).toBe(404);
  expect((await as(operator, { method: "POST", url: `${url}/cancel` })).statusCode).toBe(200);
});

test("an operator's key makes a key for any tenant, and lists every tenant's jobs where it may read", async () => {
  const operator = await gateway.bearer({ tenant: "staff", scopes: ["operate"] });
  expect((await as(operator, { url: "/api/v1/jobs" })).statusCode).toBe(403);
  const payload = JSON.stringify({ tenant: "acme", scopes: ["submit", "operate"] });
  const made = await as(operator, { method: "POST", url: "/api/v1/keys", payload });
  expect(made.statusCode).toBe(201);

  const reading = await gateway.bearer({ tenant: "staff", scopes: ["operate", "read-own"] });
  for (const url of ["/api/v1/jobs", "/api/v2/jobs"]) {
    expect((await as(reading, { url })).body).toContain(waits);
  }
});

test("two tenants whose clients have one id hear only their own jobs", async () => {
  const address = await gateway.app.listen({ host: "127.0.0.1", port: 0 });
  const open = async ({ authorization }: { authorization: string }) => {
    const heard: string[] = [];
    const socket = new WebSocket(`${address.replace("http", "ws")}/ws?clientId=same-client`, {
      headers: { authorization },
    });
    socket.on("message", (data) => heard.push(String(data)));
    await expect.poll(() => heard.length).toBeGreaterThan(0);
    return { socket, heard };
  };
  const [mine, theirs] = [await open(acme), await open(beta)];
  const word = JSON.parse(
    gateway.amqp.jobs.find((job) => job.jobId === waits)?.body ?? "",
  ).gatewayId;
  const at = new Date().toISOString();
  gateway.amqp.say(String(word), {
    v: 1,
    type: "job-start",
    jobId: waits,
    attempt: 1,
    seq: 1,
    at,
    workerId: "w",
    nodeCount: 1,
  });

  await expect.poll(() => mine.heard.some((text) => text.includes(waits))).toBe(true);
  expect(theirs.heard.some((text) => text.includes(waits))).toBe(false);
  for (const { socket } of [mine, theirs]) socket.terminate();
});
