/** Who is told of a job's start and end, and that nothing keeps them from being told once they can be. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import { hostname } from "node:os";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openService, type TestService } from "./support/service.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
const gatewayVariables = {
  WEBHOOK_ALLOW_PRIVATE: "true",
  WEBHOOK_RETRY_SECONDS: "0.05,0.05,0.05",
  WEBHOOK_TIMEOUT_SECONDS: "2",
};

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver that answers with the statuses given, then 200; 0 does not answer at all. */
async function openReceiver(...statuses: number[]) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const status = statuses.shift() ?? 200;
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      if (status !== 0) response.writeHead(status, { location: "/elsewhere" }).end("thanks");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    received,
    url: `http://127.0.0.1:${address.port}/hook`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

let service: TestService;
beforeAll(async () => {
  service = await openService({ gateway: gatewayVariables });
}, 180_000);
afterAll(() => service[Symbol.asyncDispose]());

async function post(body: object, url = service.url): Promise<Response> {
  return fetch(`${url}/api/v1/prompts`, {
    method: "POST",
    headers: { "content-type": "application/json", prefer: "respond-async" },
    body: JSON.stringify(body),
  });
}

/** Throws where the signature is wrong. */
function verified(headers: IncomingHttpHeaders, body: string): unknown {
  return new Webhook(secret).verify(body, {
    "webhook-id": String(headers["webhook-id"]),
    "webhook-timestamp": String(headers["webhook-timestamp"]),
    "webhook-signature": String(headers["webhook-signature"]),
  });
}

async function logOf(jobId: string, url = service.url) {
  const answer = await fetch(`${url}/api/v1/jobs/${jobId}/webhook`);
  const log: {
    nextAt?: string;
    deliveries: { event?: string; status?: number; error?: string }[];
  } = await answer.json();
  return log;
}

test("a job's end is told with a signature that the standard's own library accepts", async () => {
  await using receiver = await openReceiver();
  const webhook = { url: receiver.url, secret };
  await post({ prompt: text("told"), prompt_id: "told", webhook });
  await until("it is told", () => receiver.received.length > 0);
  const [{ headers, body } = { headers: {}, body: "" }] = receiver.received;
  expect(verified(headers, body)).toMatchObject({
    type: "job.succeeded",
    data: { id: "told", state: "succeeded", outputs: { "1": { text: ["told"] } } },
  });
  await until("it is noted", async () => (await logOf("told")).deliveries.length > 0);
  expect(await logOf("told")).toMatchObject({ deliveries: [{ try: 1, status: 200 }] });
});

test("what is not taken is tried again with the same id and body, and no redirect is followed", async () => {
  await using receiver = await openReceiver(500, 302);
  await post({ prompt: text("again"), prompt_id: "again", webhook: { url: receiver.url, secret } });
  await until("the third try", () => receiver.received.length === 3);
  const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
  expect(new Set(ids)).toEqual(new Set(["again.succeeded"]));
  expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
  await until("it is noted", async () => (await logOf("again")).deliveries.length === 3);
  const { nextAt, deliveries } = await logOf("again");
  expect(nextAt).toBeUndefined();
  expect(deliveries.map(({ status }) => status)).toEqual([500, 302, 200]);
});

test("a receiver that says 410 is asked no more, and one that never takes it is given up", async () => {
  await using gone = await openReceiver(410);
  await using broken = await openReceiver(500, 500, 500, 500, 500);
  await post({ prompt: text("a"), prompt_id: "gone", webhook: { url: gone.url } });
  await post({ prompt: text("b"), prompt_id: "broken", webhook: { url: broken.url } });
  await until("given up", async () => {
    const { nextAt, deliveries } = await logOf("broken");
    return nextAt === undefined && deliveries.length === 4;
  });
  await until("noted", async () => (await logOf("gone")).deliveries.length === 1);
  expect((await logOf("gone")).nextAt).toBeUndefined();
});

test("only the ends that were asked for are told", async () => {
  await using receiver = await openReceiver();
  const webhook = { url: receiver.url, events: ["job.failed"] };
  await post({ prompt: text("fine"), prompt_id: "fine", webhook });
  const failing = { "1": { class_type: "ToyFail", inputs: { message: "boom" } } };
  await post({ prompt: failing, prompt_id: "failing", webhook });
  await until("the failure is told", () => receiver.received.length === 1);
  expect(JSON.parse(receiver.received[0]?.body ?? "{}")).toMatchObject({
    type: "job.failed",
    data: { id: "failing", error: { code: "NODE_FAILED" } },
  });
});

test("a job's start is told to who asks for it, the same in each try, and once though the job is quick", async () => {
  await using receiver = await openReceiver(500, 500);
  const events = ["job.running", "job.succeeded"];
  const webhook = { url: receiver.url, secret, events };
  await post({ prompt: text("x"), prompt_id: "begun", tags: ["shop"], webhook });
  const told = () => receiver.received.map(({ body }) => JSON.parse(body));
  await until("both are told", async () => {
    const { nextAt, deliveries } = await logOf("begun");
    return nextAt === undefined && deliveries.filter(({ status }) => status === 200).length === 2;
  });

  expect(new Set(told().map(({ type }) => type))).toEqual(new Set(events));
  const starts = receiver.received.filter(({ body }) => body.includes('"job.running"'));
  expect(new Set(starts.map(({ body }) => body)).size).toBe(1);
  expect(JSON.parse(starts[0]?.body ?? "")).toMatchObject({
    type: "job.running",
    data: { id: "begun", state: "running", attempt: 1, tags: ["shop"] },
  });
  expect(starts[0]?.headers["webhook-id"]).toBe("begun.running");
  const { deliveries } = await logOf("begun");
  expect(deliveries).toHaveLength(4);
  expect(deliveries.map(({ event }) => event)).toContain("job.running");
});

test("jobs of any surface that name no webhook are told to the gateway's own", async () => {
  await using receiver = await openReceiver();
  await using other = await openReceiver();
  const gateway = await service.startGateway({
    ...gatewayVariables,
    WEBHOOK_URL: receiver.url,
    WEBHOOK_SECRET: secret,
  });
  const body = JSON.stringify({ prompt: text("by /prompt"), prompt_id: "by-prompt" });
  await fetch(`${gateway.url}/prompt`, { method: "POST", body });
  const workflow = text("by /api/v2/jobs");
  const answer = await fetch(`${gateway.url}/api/v2/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ workflow }),
  });
  const { id } = await answer.json();
  const own = { url: other.url };
  await post({ prompt: text("mine"), prompt_id: "mine", webhook: own }, gateway.url);
  await until("all are told", () => receiver.received.length === 2 && other.received.length === 1);

  const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
  expect(new Set(ids)).toEqual(new Set(["by-prompt.succeeded", `${id}.succeeded`]));
  for (const { headers, body: text } of receiver.received) verified(headers, text);
  await gateway.kill("SIGTERM");
});

test("a job of Comfy API v2 is told to the webhook_url that it names, signed where it has a secret", async () => {
  await using receiver = await openReceiver();
  const submit = (webhook_url: unknown) =>
    fetch(`${service.url}/api/v2/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        workflow: text("v2"),
        webhook_url,
        webhook_secret: secret,
        webhook_events: ["job.running", "job.failed"],
      }),
    });
  const taken = await submit(receiver.url);
  expect(taken.status).toBe(201);
  const { id } = await taken.json();
  await until("it is told", () => receiver.received.length === 1);
  const [{ headers, body } = { headers: {}, body: "" }] = receiver.received;
  expect(verified(headers, body)).toMatchObject({ type: "job.running", data: { id } });

  for (const wrong of [7, "nowhere", "ftp://example.org/x", "http://user:word@example.org/"]) {
    const refused = await submit(wrong);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { code: "invalid_request" } });
  }
  expect((await submit(null)).status).toBe(201);
});

test("an address of this machine is refused where it was not allowed, by number and by name", async () => {
  await using receiver = await openReceiver();
  // No other gateway may take the delivery.
  await service.gateway.kill("SIGTERM");
  const strict = await service.startGateway({ WEBHOOK_RETRY_SECONDS: "60" });
  const byNumber = await post({ prompt: text("x"), webhook: { url: receiver.url } }, strict.url);
  expect(byNumber.status).toBe(400);
  expect(await byNumber.json()).toMatchObject({ code: "INVALID_REQUEST" });
  const byV2 = await fetch(`${strict.url}/api/v2/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ workflow: text("x"), webhook_url: receiver.url }),
  });
  expect(byV2.status).toBe(400);
  const url = receiver.url.replace("127.0.0.1", hostname());
  await post({ prompt: text("x"), prompt_id: "named", webhook: { url } }, strict.url);
  await until("it is refused", async () => {
    const { deliveries } = await logOf("named", strict.url);
    return deliveries[0]?.error?.includes("no address of the public internet") ?? false;
  });
  expect(receiver.received).toEqual([]);
  await strict.kill("SIGTERM");
});

test("a gateway that is killed while it tells is taken over from by another", async () => {
  await using receiver = await openReceiver(0);
  const doomed = await service.startGateway(gatewayVariables);
  await post({ prompt: text("x"), prompt_id: "taken", webhook: { url: receiver.url } }, doomed.url);
  await until("the first try is under way", () => receiver.received.length === 1);
  await doomed.kill("SIGKILL");
  const heir = await service.startGateway(gatewayVariables);
  await until("the second try", () => receiver.received.length === 2);
  await until("it is noted", async () => (await logOf("taken", heir.url)).deliveries.length > 0);
  expect(await logOf("taken", heir.url)).toMatchObject({ deliveries: [{ try: 2, status: 200 }] });
  await heir.kill("SIGTERM");
});

test("an end that comes while no gateway lives is told by the next one", async () => {
  await using receiver = await openReceiver();
  const first = await service.startGateway(gatewayVariables);
  const prompt = steps({ steps: 10, ms: 50 });
  await post({ prompt, prompt_id: "orphan", webhook: { url: receiver.url } }, first.url);
  await first.kill("SIGKILL");
  await service.fleet.jobs.event("orphan", "job-end");
  expect(receiver.received).toHaveLength(0);
  await service.startGateway(gatewayVariables);
  await until("it is told", () => receiver.received.length === 1);
});
