import { CodedError } from "@rabbitloom/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { savePrompt } from "../support/instant-worker.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway();
});
afterEach(() => gateway[Symbol.asyncDispose]());

async function post(url: string, payload: object | string) {
  const answer = await gateway.app.inject({
    method: "POST",
    url,
    payload: typeof payload === "string" ? payload : JSON.stringify(payload),
  });
  expect(answer.statusCode).toBe(200);
  return answer;
}

async function submit(prompt_id: string, more: object = {}): Promise<void> {
  await post("/prompt", { prompt: savePrompt, prompt_id, ...more });
}

const states = async (...ids: string[]) =>
  Promise.all(ids.map(async (id) => (await gateway.store.view("every-tenant", id))?.state));

test("the queue shows number, id, graph, extra data and outputs, without credentials", async () => {
  await submit("a", {
    client_id: "me",
    extra_data: { extra_pnginfo: { workflow: { x: 1 } }, api_key_comfy_org: "SECRET" },
  });
  gateway.store.start("a");
  await submit("b", { number: 7.5 });
  const { queue_running, queue_pending } = (await gateway.app.inject("/queue")).json();
  const extra = { extra_pnginfo: { workflow: { x: 1 } }, client_id: "me" };
  expect(queue_running).toEqual([[0, "a", savePrompt, extra, ["2"]]]);
  expect(queue_pending).toEqual([[7.5, "b", savePrompt, {}, ["2"]]]);
  expect(gateway.amqp.jobs[0]?.body).toContain("SECRET");
});

test("deleting takes waiting prompts, and leaves running ones and unknown ids alone", async () => {
  await submit("runs");
  gateway.store.start("runs");
  await submit("waits");
  await submit("stays");
  await post("/queue", { delete: ["runs", "waits", "nope"] });
  expect(await states("runs", "waits", "stays")).toEqual(["running", "cancelled", "pending"]);
  expect(gateway.amqp.controls).toEqual([]);
  expect(gateway.amqp.events).toMatchObject([
    { events: [{ type: "job-end", jobId: "waits", state: "cancelled" }] },
  ]);
});

test("clearing goes on past a prompt whose service takes no more answers", async () => {
  for (const id of ["a", "b"]) await submit(id);
  const full = new CodedError("QUEUE_FULL", "the reply queue takes no more");
  vi.spyOn(gateway.amqp.publisher, "publishEvents").mockRejectedValueOnce(full);

  await post("/queue", { clear: true });

  expect(await states("a", "b")).toEqual(["cancelled", "cancelled"]);
  expect((await gateway.store.find("every-tenant", "a"))?.isAnnounced).toBe(false);
});

test("clearing takes every waiting prompt", async () => {
  await submit("runs");
  gateway.store.start("runs");
  await submit("a");
  await submit("b");
  await post("/queue", { clear: true });
  expect(await states("runs", "a", "b")).toEqual(["running", "cancelled", "cancelled"]);
});

test.each([
  ["of one prompt stops that one", { prompt_id: "a" }, "", ["a"]],
  ["of a prompt that waits has no effect", { prompt_id: "waits" }, "", []],
  ["of an unknown prompt has no effect", { prompt_id: "nope" }, "", []],
  ["of nothing in particular stops what runs", {}, "", ["a", "b"]],
  ["with an empty body stops what runs", "", "", ["a", "b"]],
  ["with a broken body stops what runs", "{", "", ["a", "b"]],
  ["of one client stops what that client runs", "", "?clientId=me", ["a"]],
])("an interrupt %s", async (_what, body, query, stopped) => {
  await submit("a", { client_id: "me" });
  await submit("b");
  await submit("waits");
  for (const id of ["a", "b"]) gateway.store.start(id);
  await post(`/interrupt${query}`, body);
  expect(gateway.amqp.controls).toEqual(
    stopped.map((jobId) => ({ v: 1, type: "job-cancel", jobId })),
  );
  expect(await states("waits")).toEqual(["pending"]);
});

test("history takes windows as ComfyUI does, and forgets what it is told to", async () => {
  for (const id of ["a", "b", "c"]) {
    await submit(id);
    gateway.store.end(id, { state: "succeeded" });
  }
  await submit("runs");
  gateway.store.start("runs");
  const ids = async (query: string) =>
    Object.keys((await gateway.app.inject(`/history${query}`)).json());
  expect(await ids("")).toEqual(["a", "b", "c"]);
  expect(await ids("?max_items=2")).toEqual(["b", "c"]);
  expect(await ids("?max_items=2&offset=0")).toEqual(["a", "b"]);
  expect(await ids("?offset=1")).toEqual(["b", "c"]);
  expect(await ids("?offset=9")).toEqual([]);
  expect(await ids("?max_items=0")).toEqual([]);
  expect(await ids("/runs")).toEqual([]);
  expect((await gateway.app.inject("/history?max_items=x")).statusCode).toBe(400);
  await post("/history", { delete: ["a", "nope", "not an id"] });
  expect(await ids("")).toEqual(["b", "c"]);
  await post("/history", { clear: true });
  expect(await ids("")).toEqual([]);
});

test("a job that its worker did not live to describe still has an entry with its error", async () => {
  await submit("a");
  gateway.store.start("a");
  gateway.store.end("a", {
    state: "dead",
    error: { code: "JOB_DEAD", message: "given up", retryable: false },
  });
  const entry = (await gateway.app.inject("/history/a")).json().a;
  expect(entry.status).toMatchObject({ status_str: "error", completed: false });
  expect(entry.status.messages.map(([event]: [string]) => event)).toEqual([
    "execution_start",
    "execution_cached",
    "execution_error",
  ]);
});

test("giving memory back is passed on to every worker, where anything is asked for", async () => {
  await post("/free", {});
  expect(gateway.amqp.controls).toEqual([]);
  await post("/free", { unload_models: true });
  expect(gateway.amqp.controls).toEqual([
    { v: 1, type: "memory-free", unloadModels: true, freeMemory: false },
  ]);
});
