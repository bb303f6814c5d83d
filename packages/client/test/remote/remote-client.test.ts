import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { RemoteClient, type RemoteClientOptions } from "../../src/index.ts";
import { end, start } from "../support/events.ts";
import { type FakeGateway, json, startFakeGateway } from "../support/fake-gateway.ts";

const workflow = { "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8 } } };
const POST = "POST /api/v1/prompts";
const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47]);

function remoteOf({ fetch }: Pick<FakeGateway, "fetch">, options: RemoteClientOptions = {}) {
  return new RemoteClient({
    serverAddress: "http://gateway.test",
    fetch,
    WebSocket,
    backoff: { baseDelayMs: 1, maxFailures: 3 },
    ...options,
  });
}

const picture = () => new Response(PNG, { headers: { "content-type": "image/png" } });
const lost = () => Promise.reject(new TypeError("fetch failed"));
const keysOf = ({ requests }: FakeGateway) =>
  requests.map(({ headers }) => headers.get("idempotency-key"));

test("a prompt is queued, and its picture's bytes come back", async () => {
  await using gateway = await startFakeGateway();
  gateway.answer(POST, picture);
  expect(await remoteOf(gateway).queuePrompt(workflow)).toEqual(PNG);
  const [request] = gateway.requests;
  expect(request?.headers.get("accept")).toBe("image/png");
  expect(await request?.json()).toEqual({ prompt: workflow });
});

test("tags stand beside the prompt", async () => {
  await using gateway = await startFakeGateway();
  gateway.answer(POST, picture);
  await remoteOf(gateway).queuePrompt(workflow, { tags: ["shop"] });
  expect(await gateway.requests[0]?.json()).toEqual({ prompt: workflow, tags: ["shop"] });
});

test("what does not get through is sent again under the same key, each call under its own", async () => {
  await using gateway = await startFakeGateway();
  const full = () => json(429, { code: "QUEUE_FULL" }, { "retry-after": "0" });
  gateway.answer(POST, lost, full, picture);
  const remote = remoteOf(gateway);
  expect(await remote.queuePrompt(workflow)).toEqual(PNG);
  const keys = keysOf(gateway);
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
  gateway.answer(POST, picture);
  await remote.queuePrompt(workflow);
  expect(keysOf(gateway)[3]).not.toBe(keys[0]);
});

test("a first try that is still being answered is waited for, for longer than failures are borne", async () => {
  await using gateway = await startFakeGateway();
  const inFlight = () => json(409, { code: "IDEMPOTENCY_IN_FLIGHT" }, { "retry-after": "0" });
  gateway.answer(POST, lost, ...Array.from({ length: 8 }, () => inFlight), picture);
  expect(await remoteOf(gateway).queuePrompt(workflow)).toEqual(PNG);
});

test("an answer that breaks off is asked for again", async () => {
  await using gateway = await startFakeGateway();
  const broken = () => {
    const body = new ReadableStream({ start: (stream) => stream.error(new Error("cut")) });
    return new Response(body, { headers: { "content-type": "image/png" } });
  };
  gateway.answer(POST, broken, picture);
  expect(await remoteOf(gateway).queuePrompt(workflow)).toEqual(PNG);
});

test("a job that failed throws its own error, once", async () => {
  await using gateway = await startFakeGateway();
  const node = { nodeId: "1", nodeType: "A", exceptionType: "E", traceback: [], inputs: {} };
  const error = { code: "MODEL_MISSING", message: "no such model", retryable: true, node };
  gateway.answer(POST, () =>
    json(500, { status_str: "error", code: "MODEL_MISSING", error_details: error }),
  );
  await expect(remoteOf(gateway).queuePrompt(workflow)).rejects.toMatchObject({
    code: "MODEL_MISSING",
    message: "POST /api/v1/prompts: no such model",
    details: { node: { nodeId: "1" } },
  });
  expect(gateway.requests).toHaveLength(1);
});

test("a gateway that stays away is given up, with the last error", async () => {
  await using gateway = await startFakeGateway();
  gateway.answer(POST, lost, lost, lost, picture);
  await expect(remoteOf(gateway).queuePrompt(workflow)).rejects.toMatchObject({
    code: "CONNECTION_LOST",
  });
  expect(gateway.requests).toHaveLength(3);
});

test("an aborted call ends its retries, with the signal's own reason", async () => {
  await using gateway = await startFakeGateway();
  const stop = new AbortController();
  const reason = new Error("enough");
  gateway.answer(POST, () => {
    stop.abort(reason);
    return json(503, { code: "NO_WORKER" }, { "retry-after": "60" });
  });
  const queued = remoteOf(gateway).queuePrompt(workflow, { signal: stop.signal });
  await expect(queued).rejects.toBe(reason);
  expect(gateway.requests).toHaveLength(1);
});

test("a workflow that saved no picture is an error, and all it made is to be had", async () => {
  await using gateway = await startFakeGateway();
  const body = { prompt_id: "job-1", urls: [], outputs: { "1": { text: ["x"] } } };
  const none = () =>
    new Response(null, { status: 204, headers: { location: "/api/v1/prompts/j" } });
  gateway.answer(
    POST,
    () => json(200, body),
    () => json(200, body),
    none,
  );
  const remote = remoteOf(gateway);
  await expect(remote.queuePrompt(workflow)).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(await remote.queuePromptApi(workflow)).toEqual({
    promptId: "job-1",
    urls: [],
    outputs: { "1": { text: ["x"] } },
  });
  expect(await remote.queuePromptApi(workflow)).toEqual({ promptId: "j", urls: [], outputs: {} });
});

test("a prompt is followed from its first event, and its result waited for", async () => {
  await using gateway = await startFakeGateway();
  const job = await remoteOf(gateway).queueWithProgress(workflow, { idempotencyKey: "order-1" });
  gateway.publish(start(), end(2));
  const types: string[] = [];
  for await (const event of job.progress()) types.push(event.type);
  expect(types).toEqual(["job-start", "job-end"]);
  const { urls } = await job.get();
  expect(urls).toEqual(["http://gateway.test/view?filename=a.png&subfolder=&type=output"]);
  expect(keysOf(gateway)[0]).toBe("order-1");
  expect((await remoteOf(gateway).status(job.promptId)).state).toBe("succeeded");
});

test("credentials go with every request, a token asked for each time", async () => {
  await using gateway = await startFakeGateway();
  let count = 0;
  const remote = remoteOf(gateway, {
    token: () => {
      count += 1;
      return `t${count}`;
    },
    apiKey: "k",
  });
  await remote.status("job-1");
  await remote.status("job-1");
  const seen = gateway.requests.map(({ headers }) => headers.get("authorization"));
  expect(seen).toEqual(["Bearer t1", "Bearer t2"]);
  expect(gateway.requests[0]?.headers.get("x-api-key")).toBe("k");
});
