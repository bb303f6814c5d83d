import { createClient } from "@rabbitloom/client";
import { isAfter, type JobEvent } from "@rabbitloom/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openCutProxy } from "./support/cut-proxy.ts";
import { openService, painting, type TestService } from "./support/service.ts";

let service: TestService;
beforeAll(async () => {
  service = await openService({ workers: 2 });
});
afterAll(() => service[Symbol.asyncDispose]());

async function collect(
  events: AsyncIterable<JobEvent>,
  onEvent?: (event: JobEvent) => unknown,
): Promise<JobEvent[]> {
  const collected: JobEvent[] = [];
  for await (const event of events) {
    collected.push(event);
    await onEvent?.(event);
  }
  return collected;
}

/** 1, 2, 3, ... without a gap, up to the end. */
function expectWhole(events: readonly JobEvent[]) {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.at(-1)?.type).toBe("job-end");
}

test("a job is watched from its first event to its end, with pictures on the way", async () => {
  const job = await service.client.submit(painting({ steps: 4, ms: 20 }));
  const events = await collect(job.events());
  expectWhole(events);
  expect(events[0]).toMatchObject({ type: "job-start", jobId: job.id });
  const previews = events.filter((event) => event.type === "node-preview");
  expect(previews).toHaveLength(4);
  expect(previews.map(({ image }) => Buffer.from(image).subarray(1, 4).toString())).toEqual(
    previews.map(() => "PNG"),
  );
});

test("the result of a job is the picture that it saved", async () => {
  const job = await service.client.submit(painting({ steps: 1, ms: 1 }));
  const { files } = await job.result();
  expect(files.map(({ nodeId, kind }) => [nodeId, kind])).toEqual([["3", "images"]]);
  const bytes = await files[0]?.bytes();
  expect(Buffer.from(bytes ?? []).readUInt32BE(16)).toBe(64);
});

test("readers that come late or come back get what the first one got", async () => {
  const job = await service.client.submit(painting({ steps: 4, ms: 20 }));
  const first = await collect(job.events());
  const late = await Promise.all([collect(job.events()), collect(job.events())]);
  expect(late).toEqual([first, first]);
  const rest = await collect(job.events({ after: { attempt: 1, seq: 5 } }));
  expect(rest).toEqual(first.filter((event) => isAfter(event, { attempt: 1, seq: 5 })));
});

test("over a network that breaks again and again every event comes once and in order", async () => {
  await using proxy = await openCutProxy(service.url);
  const client = createClient({
    baseUrl: proxy.url,
    WebSocket,
    // The ticket names the gateway's own address: the socket goes through the proxy as well.
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      const text = await response.text();
      const { host } = new URL(service.url);
      return new Response(text.replaceAll(host, new URL(proxy.url).host), response);
    },
    backoff: { baseDelayMs: 10 },
  });
  const job = await service.client.submit(painting({ steps: 12, ms: 40 }));
  let cuts = 0;
  const events = await collect(client.watch(job.id), ({ type }) => {
    if (type !== "node-preview" || cuts >= 4) return;
    cuts += 1;
    proxy.cut();
  });
  expect(cuts).toBe(4);
  expectWhole(events);
});

test("server-sent events tell the same story as STOMP", async () => {
  const overSse = createClient({ baseUrl: service.url, transport: "sse" });
  const job = await service.client.submit(painting({ steps: 4, ms: 20 }));
  const [told, heard] = await Promise.all([collect(overSse.watch(job.id)), collect(job.events())]);
  expect(told).toEqual(heard);
});

test("a job that was not watched from the start is told by a snapshot and what follows it", async () => {
  const job = await service.client.submit(painting({ steps: 60, ms: 50 }), { watch: false });
  await service.fleet.jobs.event(job.id, "node-progress", { where: ({ value }) => value >= 4 });
  const events = await collect(job.events());
  const types = events.map(({ type }) => type);
  expect(types.slice(0, 2)).toEqual(["job-gap", "job-snapshot"]);
  expect(events[1]).toMatchObject({
    nodes: { "1": { state: "finished" }, "2": { state: "running" } },
  });
  expect(types.filter((type) => type === "job-gap")).toHaveLength(1);
  expect(types.at(-1)).toBe("job-end");
});

test("a running job that is cancelled ends its watches, over STOMP and as server-sent events", async () => {
  const overSse = createClient({ baseUrl: service.url, transport: "sse" });
  const job = await service.client.submit(painting({ steps: 200, ms: 50 }));
  const told = collect(overSse.watch(job.id));
  const heard = await collect(job.events(), ({ type }) =>
    type === "node-preview" ? job.cancel() : undefined,
  );
  expect(heard.at(-1)).toMatchObject({ type: "job-end", state: "cancelled" });
  expect((await told).at(-1)).toMatchObject({ type: "job-end", state: "cancelled" });
  await expect(job.result()).rejects.toMatchObject({ code: "JOB_CANCELLED" });
});

test("a workflow that cannot run is refused with what is wrong at which node", async () => {
  const workflow = painting();
  const submitted = service.client.submit({
    ...workflow,
    "1": { ...workflow["1"], inputs: { width: 0, height: 40, batch_size: 1, color: 0 } },
  });
  await expect(submitted).rejects.toMatchObject({
    code: "VALIDATION_FAILED",
    details: {
      status: 400,
      nodeErrors: { "1": { errors: [{ extra_info: { input_name: "width" } }] } },
    },
  });
});

test("a job that nobody knows is NOT_FOUND, and one that has ended cannot be cancelled", async () => {
  await expect(service.client.job("nobody")).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(collect(service.client.watch("nobody"))).rejects.toMatchObject({
    code: "NOT_FOUND",
  });
  const job = await service.client.submit(painting({ steps: 1, ms: 1 }));
  await job.result();
  await expect(job.cancel()).rejects.toMatchObject({ code: "CONFLICT" });
});
