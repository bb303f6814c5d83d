import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CodedError, type JobError } from "@rabbitloom/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { endJobs, savedPicture, savePrompt } from "../support/instant-worker.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway({ MAX_PROMPT_BYTES: "20000" });
});
afterEach(() => gateway[Symbol.asyncDispose]());

const picture = Buffer.from("not really a picture, but bytes");

function post(payload: unknown, headers: Record<string, string> = {}, url = "/api/v1/prompts") {
  return gateway.app.inject({
    method: "POST",
    url,
    headers: { host: "loom.test", "content-type": "application/json", ...headers },
    payload: typeof payload === "string" ? payload : JSON.stringify(payload),
  });
}

describe("a client that waits", () => {
  test("gets the first saved picture's bytes when it accepts pictures", async () => {
    endJobs(gateway, { outputs: await savedPicture(gateway, "g_00001_.png", picture) });
    for (const accept of ["image/png", "image/*", "text/html, image/png;q=0.5"]) {
      const answer = await post(savePrompt, { accept });
      expect(answer.statusCode).toBe(200);
      expect(answer.headers["content-type"]).toBe("image/png");
      expect(answer.headers["content-disposition"]).toBe('filename="g_00001_.png"');
      expect(answer.rawPayload).toEqual(picture);
    }
  });

  test("gets urls, outputs and the id as JSON when it does not mind", async () => {
    const outputs = await savedPicture(gateway, "g_00001_.png", picture);
    endJobs(gateway, { outputs });
    for (const accept of ["*/*", "application/json", "application/json, text/plain, */*"]) {
      const answer = await post(savePrompt, { accept });
      const { prompt_id } = answer.json();
      expect(answer.json()).toEqual({
        urls: ["http://loom.test/view?filename=g_00001_.png&type=output"],
        outputs,
        prompt_id,
      });
      expect(answer.headers.location).toBe(`/api/v1/prompts/${prompt_id}`);
      const digest = createHash("sha256").update(JSON.stringify(savePrompt)).digest("hex");
      expect(answer.headers.digest).toBe(`SHA-256=${digest}`);
    }
  });

  test("gets 204 only when the job showed nothing", async () => {
    endJobs(gateway, { outputs: {} });
    expect((await post(savePrompt)).statusCode).toBe(204);
    const text = { "2": { text: ["words"] } };
    endJobs(gateway, { outputs: text });
    expect((await post(savePrompt)).json()).toMatchObject({ urls: [], outputs: text });
  });

  test("gets 500 with the status of the run when a node failed", async () => {
    const error: JobError = {
      code: "NODE_FAILED",
      message: "boom",
      retryable: false,
      node: {
        nodeId: "1",
        nodeType: "EmptyImage",
        exceptionType: "Error",
        traceback: [],
        inputs: {},
      },
    };
    endJobs(gateway, { state: "failed", error });
    const answer = await post(savePrompt, { accept: "image/png" });
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({
      status_str: "error",
      completed: false,
      messages: [["execution_error", { node_id: "1", exception_message: "boom" }]],
      code: "NODE_FAILED",
    });
  });

  test("waits no longer than it asked for, and can come back", async () => {
    const answer = await post(savePrompt, { prefer: "wait=0" });
    expect(answer.statusCode).toBe(202);
    expect(answer.headers["preference-applied"]).toBe("wait=0");
    expect(answer.headers["retry-after"]).toBe("1");
    const { prompt_id } = answer.json();
    const location = String(answer.headers.location);
    expect(location).toBe(`/api/v1/prompts/${prompt_id}`);
    expect((await gateway.app.inject(location)).statusCode).toBe(204);
    gateway.store.end(prompt_id, { state: "succeeded", outputs: { "2": { text: ["done"] } } });
    expect((await gateway.app.inject(location)).json()).toEqual({ "2": { text: ["done"] } });
  });

  test("that would rather not wait, but may for a while, gets what is ready by then", async () => {
    endJobs(gateway, { outputs: { "2": { text: ["ready"] } } });
    const answer = await post(savePrompt, { prefer: "respond-async, wait=5" });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ outputs: { "2": { text: ["ready"] } } });
  });

  test("is answered from the store when the job's events were lost", async () => {
    gateway.amqp.onJob = ({ jobId }) => {
      gateway.store.end(jobId, { state: "succeeded", outputs: { "2": { text: ["kept"] } } });
      gateway.amqp.loseConnection();
    };
    expect((await post(savePrompt)).json()).toMatchObject({ outputs: { "2": { text: ["kept"] } } });
  });
});

describe("a client that does not wait", () => {
  test.each([
    ["the header", { prefer: "respond-async" }, ""],
    ["the header among others", { prefer: 'handling=lenient, respond-async; foo="bar"' }, ""],
    ["the query", {}, "?prefer=respond-async"],
    ["the Accept suffix", { accept: "application/json+respond-async" }, ""],
  ])("says so by %s and gets 202 once the broker has the job", async (_way, headers, query) => {
    const answer = await post(savePrompt, headers, `/api/v1/prompts${query}`);
    expect(answer.statusCode).toBe(202);
    expect(gateway.amqp.jobs).toHaveLength(1);
    expect(answer.headers.location).toBe(`/api/v1/prompts/${answer.json().prompt_id}`);
  });
});

describe("a job that is asked for later", () => {
  test("is 404 when it never was, 410 when its record has gone, 500 when it failed", async () => {
    const get = (id: string) => gateway.app.inject(`/api/v1/prompts/${id}`);
    expect((await get("never")).statusCode).toBe(404);
    expect((await get("not%20an%20id")).json()).toMatchObject({ code: "NOT_FOUND" });
    gateway.store.expired.add("old");
    expect((await get("old")).statusCode).toBe(410);
    const { prompt_id } = (await post(savePrompt, { prefer: "respond-async" })).json();
    gateway.store.end(prompt_id, {
      state: "failed",
      error: { code: "NODE_FAILED", message: "boom", retryable: false },
    });
    const failed = await get(prompt_id);
    expect(failed.statusCode).toBe(500);
    expect(failed.json()).toMatchObject({
      status_str: "error",
      completed: false,
      code: "NODE_FAILED",
    });
  });
});

describe("forms of the body", () => {
  beforeEach(() => endJobs(gateway));

  test.each([
    ["a bare graph", savePrompt],
    ["a graph with a node called prompt", { ...savePrompt, prompt: savePrompt["1"] }],
    ["a graph beside its exporter's settings", { ...savePrompt, __metadata_v1__: { a: 1 } }],
    ["a wrapped graph", { prompt: savePrompt, extra_data: { a: 1 }, lane: "high" }],
  ])("%s is taken", async (_form, body) => {
    expect((await post(body)).statusCode).toBe(204);
  });

  test.each([
    "application/json",
    "application/json; charset=UTF-8",
    "application/ld+json",
    "text/plain",
  ])("%s is read as JSON", async (type) => {
    expect((await post(savePrompt, { "content-type": type })).statusCode).toBe(204);
  });

  test("seeds beyond 2^53 reach the broker digit for digit", async () => {
    const text = JSON.stringify({ prompt: savePrompt }).replace(
      '"color":0',
      '"color":0,"seed":18446744073709551615',
    );
    await post(text);
    expect(gateway.amqp.jobs[0]?.body).toContain('"seed":18446744073709551615');
  });

  test("multipart files go into the input folder, and the prompt names them as they are called there", async () => {
    await writeFile(join(gateway.folders.input, "a.png"), "other bytes");
    const graph = {
      "1": { class_type: "LoadImage", inputs: { image: "a.png" } },
      "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "g" } },
    };
    const form = new FormData();
    form.append("file", new File([picture], "a.png"));
    form.append("prompt", JSON.stringify(graph));
    form.append("watch", "true");
    const body = new Response(form);
    const answer = await gateway.app.inject({
      method: "POST",
      url: "/api/v1/prompts",
      headers: { "content-type": body.headers.get("content-type") ?? "" },
      payload: Buffer.from(await body.arrayBuffer()),
    });
    expect(answer.statusCode).toBe(204);
    expect(await readFile(join(gateway.folders.input, "a (1).png"))).toEqual(picture);
    expect(gateway.amqp.jobs[0]?.body).toContain('"image":"a (1).png"');
    expect(await readdir(gateway.folders.temp)).toEqual([]);
    expect(gateway.amqp.streamed.size).toBe(1);
  });
});

describe("what is refused", () => {
  test.each([
    ["no JSON", "{", {}, 400, "INVALID_JSON"],
    ["nothing", "", {}, 400, "INVALID_JSON"],
    ["a list", "[]", {}, 400, "INVALID_REQUEST"],
    ["a misspelt member", { prompt: savePrompt, wach: true }, {}, 400, "INVALID_REQUEST"],
    [
      "a job id with a wildcard",
      { prompt: savePrompt, prompt_id: "a*" },
      {},
      400,
      "INVALID_REQUEST",
    ],
    ["a pool that nobody serves", { prompt: savePrompt, pool: "big" }, {}, 400, "INVALID_REQUEST"],
    ["a wait that is no number", savePrompt, { prefer: "wait=soon" }, 400, "INVALID_REQUEST"],
    ["XML", "<a/>", { "content-type": "application/xml" }, 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["a type we do not have", savePrompt, { accept: "application/pdf" }, 406, "NOT_ACCEPTABLE"],
    ["an unknown node", { "1": { class_type: "Nope", inputs: {} } }, {}, 400, "INVALID_PROMPT"],
    ["a wrong value", withWidth(0), {}, 400, "VALIDATION_FAILED"],
    ["a link to nowhere", withLink(["99", 0]), {}, 400, "VALIDATION_FAILED"],
  ])("%s", async (_what, body, headers, status, code) => {
    const answer = await post(body, headers);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    expect(answer.json()).toMatchObject({ status, code, detail: expect.any(String) });
    expect(gateway.amqp.jobs).toEqual([]);
    expect(await gateway.store.queueSize()).toBe(0);
  });

  test("a body over the limit is 413", async () => {
    await using big = await testGateway({ MAX_UPLOAD_BYTES: "1000", MAX_PROMPT_BYTES: "1000" });
    const answer = await big.app.inject({
      method: "POST",
      url: "/api/v1/prompts",
      headers: { "content-type": "application/json" },
      payload: JSON.stringify({ prompt: savePrompt, extra_data: { pad: "x".repeat(2000) } }),
    });
    expect(answer.statusCode).toBe(413);
    expect(answer.json()).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  });

  test.each([
    ["QUEUE_FULL", 429],
    ["BROKER_UNAVAILABLE", 503],
  ] as const)(
    "when the broker says %s, the answer is %i with Retry-After and the job is gone",
    async (code, status) => {
      gateway.amqp.jobError = new CodedError(code, "no");
      const answer = await post(savePrompt, { prefer: "respond-async" });
      expect(answer.statusCode).toBe(status);
      expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
      expect(await gateway.store.queueSize()).toBe(0);
    },
  );

  test("without Redis, and before any worker came, the answer is 503", async () => {
    gateway.store.isDown = true;
    expect((await post(savePrompt)).json()).toMatchObject({
      code: "STORE_UNAVAILABLE",
      status: 503,
    });
    await using empty = await testGateway({}, { hasCatalog: false });
    const answer = await empty.app.inject({
      method: "POST",
      url: "/api/v1/prompts",
      headers: { "content-type": "application/json" },
      payload: JSON.stringify(savePrompt),
    });
    expect(answer.json()).toMatchObject({ code: "NO_WORKER", status: 503 });
  });
});

function withWidth(width: number) {
  return {
    ...savePrompt,
    "1": { class_type: "EmptyImage", inputs: { ...savePrompt["1"].inputs, width } },
  };
}

function withLink(images: unknown) {
  return {
    ...savePrompt,
    "2": { class_type: "SaveImage", inputs: { images, filename_prefix: "g" } },
  };
}
