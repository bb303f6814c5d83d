import { CodedError } from "@rabbitloom/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fingerprint } from "../../src/idempotency/read-key.ts";
import { endJobs, savedPicture, savePrompt } from "../support/instant-worker.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway();
});
afterEach(() => gateway[Symbol.asyncDispose]());

function post(payload: object, headers: Record<string, string> = {}, url = "/api/v1/prompts") {
  return gateway.app.inject({
    method: "POST",
    url,
    headers: {
      host: "loom.test",
      "content-type": "application/json",
      "idempotency-key": "order-1",
      ...headers,
    },
    payload: JSON.stringify(payload),
  });
}

test("the same request again is answered as the first one was, and makes no second job", async () => {
  endJobs(gateway, {
    outputs: await savedPicture(gateway, "g_00001_.png", Buffer.from("bytes of a picture")),
  });
  const first = await post(savePrompt);
  const again = await post(savePrompt);
  expect(first.headers["idempotent-replayed"]).toBeUndefined();
  expect(again.headers["idempotent-replayed"]).toBe("true");
  expect([again.statusCode, again.body]).toEqual([first.statusCode, first.body]);
  expect(again.headers.location).toBe(first.headers.location);
  const picture = await post(savePrompt, { accept: "image/png" });
  expect(picture.body).toBe("bytes of a picture");
  expect(gateway.amqp.jobs).toHaveLength(1);
});

test("members in another order are the same request; structured headers quote the key", async () => {
  endJobs(gateway);
  const { "1": image, "2": save } = savePrompt;
  await post({ prompt: { "1": image, "2": save }, lane: "low" });
  const again = await post(
    { lane: "low", prompt: { "2": save, "1": image } },
    { "idempotency-key": '"order-1"' },
  );
  expect(again.headers["idempotent-replayed"]).toBe("true");
});

test("a client that did not wait is told 202 again, also when the job has ended", async () => {
  const first = await post(savePrompt, { prefer: "respond-async" });
  const { prompt_id } = first.json();
  expect(prompt_id).toBe("order-1");
  gateway.store.end(prompt_id, { state: "succeeded" });
  const again = await post(savePrompt);
  expect([again.statusCode, again.json()]).toEqual([202, { prompt_id }]);
  expect(again.headers["idempotent-replayed"]).toBe("true");
});

test("a run that failed is told as failed again", async () => {
  const error = { code: "NODE_FAILED", message: "boom", retryable: false };
  endJobs(gateway, { state: "failed", error });
  const first = await post(savePrompt);
  const again = await post(savePrompt);
  expect([first.statusCode, again.statusCode]).toEqual([500, 500]);
  expect(again.json()).toMatchObject({ code: "NODE_FAILED", prompt_id: "order-1" });
  expect(gateway.amqp.jobs).toHaveLength(1);
});

test("a key is kept where nobody can say whether its job is gone, and its job is sent once", async () => {
  const { amqp, store } = gateway;
  const { withdraw } = store;
  amqp.jobError = new CodedError("BROKER_UNAVAILABLE", "RabbitMQ confirmed nothing");
  store.withdraw = () => Promise.reject(new CodedError("STORE_UNAVAILABLE", "Redis is away"));
  const uncertain = await post(savePrompt, { prefer: "respond-async" });
  expect(uncertain.statusCode).toBe(503);
  amqp.jobError = undefined;
  store.withdraw = withdraw;

  // Another body shows whether the key is free.
  const other = await post({ prompt: savePrompt, lane: "low" }, { prefer: "respond-async" });
  expect(other.json()).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" });
  expect((await post(savePrompt, { prefer: "respond-async" })).statusCode).toBe(202);
  expect(amqp.jobs.map(({ jobId }) => jobId)).toEqual(["order-1"]);
  expect((await store.list("every-tenant")).total).toBe(1);
});

test("so it is at /api/v2, where a key serves once", async () => {
  const { amqp, store } = gateway;
  const { withdraw } = store;
  const submit = (headers = {}) => post({ workflow: savePrompt }, headers, "/api/v2/jobs");
  amqp.jobError = new CodedError("BROKER_UNAVAILABLE", "RabbitMQ confirmed nothing");
  store.withdraw = () => Promise.reject(new CodedError("STORE_UNAVAILABLE", "Redis is away"));
  expect((await submit()).statusCode).toBe(503);
  amqp.jobError = undefined;
  store.withdraw = withdraw;

  expect((await submit({ prefer: "idempotent-replay" })).statusCode).toBe(201);
  expect((await submit()).json()).toMatchObject({ error: { code: "idempotency_key_reuse" } });
  const [{ id } = { id: "" }] = (await store.list("every-tenant")).jobs;
  expect(amqp.jobs.map(({ jobId }) => jobId)).toEqual([id]);
});

test.each([
  ["/api/v1/prompts", savePrompt, 202],
  ["/api/v2/jobs", { workflow: savePrompt }, 201],
])(
  "at %s a job that its first request left behind is sent as it is, and its key stays until it could be",
  async (url, body, accepted) => {
    const { amqp, store } = gateway;
    const { withdraw } = store;
    const submit = () => post(body, { prefer: "respond-async, idempotent-replay" }, url);
    amqp.jobError = new CodedError("BROKER_UNAVAILABLE", "RabbitMQ confirmed nothing");
    store.withdraw = () => Promise.reject(new CodedError("STORE_UNAVAILABLE", "Redis is away"));
    expect((await submit()).statusCode).toBe(503);
    store.withdraw = withdraw;

    for (const [code, status] of [
      ["QUEUE_FULL", 429],
      ["BROKER_UNAVAILABLE", 503],
    ] as const) {
      amqp.jobError = new CodedError(code, "not now");
      expect((await submit()).statusCode).toBe(status);
    }
    amqp.jobError = undefined;
    // It was validated before it got its record, and may run whatever the fleet has now.
    store.catalogNow = { nodes: {}, models: {}, digest: "two" };
    const nodes = () => gateway.app.inject({ url: "/object_info", headers: { host: "loom.test" } });
    await expect.poll(async () => (await nodes()).json(), { timeout: 10_000 }).toEqual({});
    expect((await submit()).statusCode).toBe(accepted);

    const [{ id } = { id: "" }, ...others] = (await store.list("every-tenant")).jobs;
    expect(others).toEqual([]);
    expect(amqp.jobs.map(({ jobId }) => jobId)).toEqual([id]);
  },
);

test.each([
  { isSent: true, isRemembered: true },
  { isSent: true, isRemembered: false },
  { isSent: false, isRemembered: true },
])(
  "a job that ended and is no longer kept does not run again under its key: %o",
  async ({ isSent, isRemembered }) => {
    const { amqp, store } = gateway;
    // Its client went away, or its gateway died.
    await store.keepHolding("gone", 1_000);
    const key = { name: "v1:default:order-1", holder: "gone", hold: "once" };
    const jobId = "order-1";
    await store.takeKey({ ...key, jobId, fingerprint: fingerprint(savePrompt), keepMs: 60_000 });
    await store.leaveKey(key, isSent);
    if (isRemembered) store.expired.add(jobId);

    for (const _ of ["once", "again"]) {
      const answer = await post(savePrompt, { prefer: "respond-async" });
      expect([answer.statusCode, answer.json().code]).toEqual([410, "JOB_EXPIRED"]);
    }
    expect(amqp.jobs).toEqual([]);
  },
);

test("what was forgotten of somebody else stops no new key", async () => {
  gateway.store.expired.add("order-1");
  endJobs(gateway);
  const answer = await post(savePrompt, { prefer: "respond-async" });
  expect(answer.statusCode).toBe(202);
});

test("a key whose taking Redis answered to nobody is not held by that", async () => {
  const { store, amqp } = gateway;
  const { takeKey } = store;
  store.takeKey = async (request) => {
    await takeKey(request);
    throw new CodedError("STORE_UNAVAILABLE", "the connection is closed");
  };
  expect((await post(savePrompt, { prefer: "respond-async" })).statusCode).toBe(503);
  store.takeKey = takeKey;
  expect((await post(savePrompt, { prefer: "respond-async" })).statusCode).toBe(202);
  expect(amqp.jobs).toHaveLength(1);
});

test("while the first request waits the second is told to come back", async () => {
  const published = new Promise<void>((resolve) => {
    gateway.amqp.onJob = () => resolve();
  });
  const first = post(savePrompt);
  await published;
  const second = await post(savePrompt);
  expect(second.statusCode).toBe(409);
  expect(second.headers["retry-after"]).toBe("1");
  expect(second.json()).toMatchObject({ code: "IDEMPOTENCY_IN_FLIGHT", prompt_id: "order-1" });
  gateway.store.end("order-1", { state: "succeeded", outputs: { "2": { text: ["x"] } } });
  gateway.amqp.loseConnection();
  const answer = (await first).json();
  expect((await post(savePrompt)).json()).toEqual(answer);
});

test("at /api/v2 who asks for a replay is told to come back, and who does not is refused", async () => {
  const { publisher } = gateway.amqp;
  const { publishJob } = publisher;
  let confirm = () => {};
  const confirmed = new Promise<void>((resolve) => {
    confirm = resolve;
  });
  const published = new Promise<void>((resolve) => {
    publisher.publishJob = async (job) => {
      resolve();
      await confirmed;
      return publishJob(job);
    };
  });
  const submit = (headers = {}) => post({ workflow: savePrompt }, headers, "/api/v2/jobs");
  const first = submit();
  await published;

  const replayed = await submit({ prefer: "idempotent-replay" });
  const refused = await submit();
  confirm();

  expect([replayed.statusCode, replayed.headers["retry-after"]]).toEqual([409, "1"]);
  expect(replayed.json()).toMatchObject({ error: { code: "idempotency_in_flight" } });
  expect([refused.statusCode, refused.json().error.code]).toEqual([422, "idempotency_key_reuse"]);
  expect((await first).statusCode).toBe(201);
  expect((await submit({ prefer: "idempotent-replay" })).json()).toMatchObject({
    id: (await first).json().id,
  });
});

test("a job that a refused request at /api/v2 was pointed to stays, though the first one could not publish", async () => {
  const { amqp, store } = gateway;
  let fail = (_error: Error) => {};
  const published = new Promise<void>((resolve) => {
    amqp.publisher.publishJob = () => {
      resolve();
      return new Promise((_, reject) => {
        fail = reject;
      });
    };
  });
  const submit = () => post({ workflow: savePrompt }, {}, "/api/v2/jobs");
  const first = submit();
  await published;

  const { job_id: jobId } = (await submit()).json().error.details;
  fail(new CodedError("BROKER_UNAVAILABLE", "RabbitMQ confirmed nothing"));

  expect((await first).statusCode).toBe(201);
  expect(await store.view("every-tenant", jobId)).toMatchObject({ state: "pending" });
});

test("another body with the same key is refused", async () => {
  endJobs(gateway);
  await post(savePrompt);
  const other = await post({ prompt: savePrompt, lane: "high" });
  expect(other.statusCode).toBe(422);
  expect(other.json()).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED", prompt_id: "order-1" });
});

test("a key whose request made no job is free again", async () => {
  gateway.amqp.jobError = new Error("no confirm");
  expect((await post(savePrompt)).statusCode).toBeGreaterThanOrEqual(500);
  gateway.amqp.jobError = undefined;
  expect((await post({ "1": { class_type: "Nonesuch", inputs: {} } })).statusCode).toBe(400);
  endJobs(gateway);
  const right = await post(savePrompt);
  expect(right.statusCode).toBe(204);
  expect(right.headers["idempotent-replayed"]).toBeUndefined();
});

test("a key that is a job's id finds that job, and is refused for another prompt", async () => {
  endJobs(gateway, { outputs: { "2": { text: ["x"] } } });
  await post(
    { prompt: savePrompt, prompt_id: "order-2" },
    { "idempotency-key": "unlike a job's id!".replaceAll(" ", "_") },
  );
  const joined = await post(savePrompt, { "idempotency-key": "order-2" });
  expect(joined.headers["idempotent-replayed"]).toBe("true");
  expect(joined.json()).toMatchObject({ prompt_id: "order-2" });
  await post({ prompt: savePrompt, prompt_id: "order-3" }, { "idempotency-key": "a:b" });
  const other = { ...savePrompt, "3": { ...savePrompt["1"] } };
  const refused = await post(other, { "idempotency-key": "order-3" });
  expect(refused.statusCode).toBe(422);
  expect(gateway.amqp.jobs).toHaveLength(2);
});

test.each(["", "has space", "x".repeat(256), "sch\u00f6n"])("%j is no key", async (key) => {
  const answer = await post(savePrompt, { "idempotency-key": key });
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: "INVALID_REQUEST" });
});
