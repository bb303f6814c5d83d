import type { JobError } from "@rabbitloom/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { savePrompt } from "../support/instant-worker.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway();
});
afterEach(() => gateway[Symbol.asyncDispose]());

const get = (url: string) => gateway.app.inject(url);

/** One job of each kind, in the order in which they came. */
async function fillStore(): Promise<void> {
  const submit = async (prompt_id: string, workflowId?: string) => {
    const extra_data = workflowId && { extra_pnginfo: { workflow: { id: workflowId } } };
    const payload = JSON.stringify({ prompt: savePrompt, prompt_id, extra_data });
    await gateway.app.inject({ method: "POST", url: "/prompt", payload });
  };
  const { store } = gateway;
  const error: JobError = { code: "NODE_FAILED", message: "no paint", retryable: false };
  const picture = (type: string) => [{ filename: `${type}.png`, subfolder: "", type }];
  for (const id of ["done", "failed", "stopped", "runs", "waits"]) {
    await submit(id, id === "done" ? "flow-1" : undefined);
    // Times in the store have whole milliseconds, and the order of jobs is theirs.
    const came = Date.now();
    while (Date.now() === came);
  }
  for (const id of ["done", "failed", "runs"]) store.start(id);
  store.end("done", {
    state: "succeeded",
    outputs: { "1": { images: picture("temp") }, "2": { images: picture("output"), text: ["a"] } },
  });
  store.end("failed", { state: "failed", error });
  store.end("stopped", { state: "cancelled" });
}

test("the list names every job with the state that newer editors know", async () => {
  await fillStore();
  const { jobs, pagination } = (await get("/api/jobs")).json();
  expect(jobs.map(({ id, status }: Record<string, string>) => [id, status])).toEqual([
    ["waits", "pending"],
    ["runs", "in_progress"],
    ["stopped", "cancelled"],
    ["failed", "failed"],
    ["done", "completed"],
  ]);
  expect(pagination).toEqual({ offset: 0, limit: null, total: 5, has_more: false });
  expect(jobs[4]).toEqual({
    id: "done",
    status: "completed",
    priority: 0,
    create_time: expect.any(Number),
    execution_start_time: expect.any(Number),
    execution_end_time: expect.any(Number),
    outputs_count: 2,
    preview_output: {
      filename: "output.png",
      subfolder: "",
      type: "output",
      nodeId: "2",
      mediaType: "images",
    },
    workflow_id: "flow-1",
  });
  expect(jobs[3].execution_error).toMatchObject({
    prompt_id: "failed",
    exception_message: "no paint",
  });
  expect(jobs[2].execution_error).toBeUndefined();
});

test.each([
  ["?limit=2", ["waits", "runs"], { offset: 0, limit: 2, total: 5, has_more: true }],
  ["?limit=2&offset=1", ["runs", "stopped"], { offset: 1, limit: 2, total: 5, has_more: true }],
  ["?limit=9&offset=3", ["failed", "done"], { offset: 3, limit: 9, total: 5, has_more: false }],
  ["?limit=9&offset=9", [], { offset: 9, limit: 9, total: 5, has_more: false }],
  [
    "?limit=2&sort_order=asc",
    ["done", "failed"],
    { offset: 0, limit: 2, total: 5, has_more: true },
  ],
  [
    "?limit=2&sort_order=asc&offset=4",
    ["waits"],
    { offset: 4, limit: 2, total: 5, has_more: false },
  ],
  [
    "?status=pending,failed",
    ["waits", "failed"],
    { offset: 0, limit: null, total: 2, has_more: false },
  ],
  ["?status=completed&limit=5", ["done"], { offset: 0, limit: 5, total: 1, has_more: false }],
  [
    "?status=pending,in_progress&limit=1",
    ["waits"],
    { offset: 0, limit: 1, total: 2, has_more: true },
  ],
  ["?workflow_id=flow-1", ["done"], { offset: 0, limit: null, total: 1, has_more: false }],
])("a page is cut by %s", async (query, ids, pagination) => {
  await fillStore();
  const answer = (await get(`/api/jobs${query}`)).json();
  expect(answer.jobs.map(({ id }: { id: string }) => id)).toEqual(ids);
  expect(answer.pagination).toEqual(pagination);
});

test.each([
  "?status=done",
  "?sort_by=name",
  "?sort_order=up",
  "?limit=0",
  "?limit=x",
  "?offset=-1",
])("a query that means nothing is refused: %s", async (query) => {
  const answer = await get(`/api/jobs${query}`);
  expect([answer.statusCode, Object.keys(answer.json())]).toEqual([400, ["error"]]);
});

test("one job is told with its outputs, its graph and what was said of it", async () => {
  await fillStore();
  const done = (await get("/api/jobs/done")).json();
  expect(done).toMatchObject({
    id: "done",
    outputs: { "2": { text: ["a"] } },
    execution_status: { status_str: "success", completed: true },
    workflow: { prompt: savePrompt, extra_data: { extra_pnginfo: { workflow: { id: "flow-1" } } } },
  });
  const waits = (await get("/api/jobs/waits")).json();
  expect(waits).toMatchObject({ status: "pending", workflow: { prompt: savePrompt } });
  expect(waits.outputs).toBeUndefined();
  for (const id of ["nope", "no%20id"]) {
    const unknown = await get(`/api/jobs/${id}`);
    expect([unknown.statusCode, unknown.json()]).toEqual([404, { error: "Job not found" }]);
  }
});
