/** What clients of /api/v1/prompts can count on, with workers that really run. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openService, painting, type TestService } from "./support/service.ts";
import { text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await openService({ workers: 2 });
});
afterAll(() => service[Symbol.asyncDispose]());

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);

function post(body: unknown, { url = service.url, ...init }: RequestInit & { url?: string } = {}) {
  return fetch(`${url}/api/v1/prompts`, {
    method: "POST",
    body: JSON.stringify(body),
    ...init,
    headers: { "content-type": "application/json", ...init.headers },
  });
}

async function stateOf(jobId: string, url = service.url): Promise<string> {
  const { state } = await (await fetch(`${url}/api/v1/jobs/${jobId}`)).json();
  return state;
}

test("a workflow goes in, and its picture comes back", async () => {
  const answer = await post(painting({ steps: 2, ms: 1 }), { headers: { accept: "image/png" } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("image/png");
  const bytes = Buffer.from(await answer.arrayBuffer());
  expect(bytes.subarray(0, 4)).toEqual(PNG);
  expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([64, 40]);
});

test("any gateway answers for a job that another one took in", async () => {
  const other = await service.startGateway();
  const taken = await post(text("hello"), { headers: { prefer: "respond-async" } });
  const { prompt_id } = await taken.json();
  const location = `${other.url}${taken.headers.get("location")}`;
  await until("the job has ended", async () => (await fetch(location)).status === 200);
  expect(await (await fetch(location)).json()).toEqual({ "1": { text: ["hello"] } });
  expect(await stateOf(prompt_id, other.url)).toBe("succeeded");
});

test("a node that fails is a 500 that names it", async () => {
  const answer = await post({ "1": { class_type: "ToyFail", inputs: { message: "boom" } } });
  expect(answer.status).toBe(500);
  expect(await answer.json()).toMatchObject({
    status_str: "error",
    completed: false,
    messages: [["execution_error", { node_id: "1", node_type: "ToyFail" }]],
    code: "NODE_FAILED",
  });
});

test("a client that goes away leaves its job running", async () => {
  const jobId = `left-${Date.now()}`;
  const gone = new AbortController();
  const waiting = post(
    { prompt: painting({ steps: 50, ms: 40 }), prompt_id: jobId },
    { signal: gone.signal },
  );
  await service.fleet.jobs.event(jobId, "job-start");
  gone.abort();
  await expect(waiting).rejects.toThrow();
  await until("the job has ended", async () => (await stateOf(jobId)) === "succeeded");
});

test("a client that goes away takes its job along when it said so", async () => {
  const jobId = `taken-${Date.now()}`;
  const gone = new AbortController();
  const waiting = post(
    { prompt: painting({ steps: 500, ms: 20 }), prompt_id: jobId },
    { signal: gone.signal, headers: { prefer: "cancel-on-disconnect" } },
  );
  await service.fleet.jobs.event(jobId, "node-progress");
  gone.abort();
  await expect(waiting).rejects.toThrow();
  await until("the job is cancelled", async () => (await stateOf(jobId)) === "cancelled");
});

test("a cancelled job answers the client that waits for it, and the next one runs", async () => {
  const jobId = `cancelled-${Date.now()}`;
  const waiting = post({ prompt: painting({ steps: 500, ms: 20 }), prompt_id: jobId });
  await service.fleet.jobs.event(jobId, "node-progress");
  const cancelled = await fetch(`${service.url}/api/v1/jobs/${jobId}/cancel`, { method: "POST" });
  expect([200, 202]).toContain(cancelled.status);
  const answer = await waiting;
  expect(answer.status).toBe(500);
  expect(await answer.json()).toMatchObject({ code: "JOB_CANCELLED", state: "cancelled" });
  const again = await fetch(`${service.url}/api/v1/jobs/${jobId}/cancel`, { method: "POST" });
  expect(again.status).toBe(200);
  expect(await again.json()).toMatchObject({ id: jobId, state: "cancelled" });
  expect((await post(text("next"))).status).toBe(200);
});

test("a job that has succeeded cannot be cancelled any more", async () => {
  const { prompt_id } = await (await post(text("done"))).json();
  const answer = await fetch(`${service.url}/api/v1/jobs/${prompt_id}/cancel`, { method: "POST" });
  expect(answer.status).toBe(409);
});

test("one id is one job: the second is refused while the first is known", async () => {
  const prompt_id = `twice-${Date.now()}`;
  expect((await post({ prompt: text("one"), prompt_id })).status).toBe(200);
  const second = await post({ prompt: text("two"), prompt_id });
  expect(second.status).toBe(409);
  expect(await second.json()).toMatchObject({ code: "CONFLICT" });
});

test("the id of a job that was deleted may be used again: the new job is answered, and has its own events only", async () => {
  const prompt_id = `again-${Date.now()}`;
  const events = async () => (await fetch(`${service.url}/api/v1/jobs/${prompt_id}/events`)).text();
  expect((await post({ prompt: text("first"), prompt_id, watch: true })).status).toBe(200);
  expect(await events()).toContain("first");
  await fetch(`${service.url}/history`, {
    method: "POST",
    body: JSON.stringify({ delete: [prompt_id] }),
  });

  const second = await post({ prompt: text("second"), prompt_id });

  expect(second.status).toBe(200);
  expect(await second.json()).toMatchObject({ outputs: { "1": { text: ["second"] } } });
  const said = await events();
  expect(said).toContain("second");
  expect(said).not.toContain("first");
}, 60_000);

test("a client id with a socket nowhere is no reason to wait for ever", async () => {
  const answer = await post({ prompt: text("hello"), client_id: "nobody listens" });
  expect(await answer.json()).toMatchObject({ outputs: { "1": { text: ["hello"] } } });
});

test("the numbers for Prometheus count what ended", async () => {
  const numbers = await (await fetch(`${service.url}/metrics`)).text();
  expect(numbers).toMatch(/rabbitloom_jobs_total\{state="succeeded"\} [1-9]/);
  expect(numbers).toMatch(/rabbitloom_jobs_total\{state="failed"\} 1/);
  expect(numbers).toMatch(/rabbitloom_jobs_total\{state="cancelled"\} 2/);
  expect(numbers).toMatch(/rabbitloom_publish_confirm_seconds_count\{kind="job"\} [1-9]/);
  expect(numbers).toMatch(/rabbitloom_workers 2/);
});
