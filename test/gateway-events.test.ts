/** A job's log as Server-Sent Events, and the streams behind it, with workers that really run. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { namesOf } from "./support/management.ts";
import { openService, painting, type TestService } from "./support/service.ts";
import { text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await openService({ workers: 1, gateway: { STREAM_KEEP_SECONDS: "3" } });
});
afterAll(() => service[Symbol.asyncDispose]());

interface Told {
  readonly id: string;
  readonly type: string;
  readonly seq: number;
}

/** Reads a job's events to their end, or until `enough` of them are there. */
async function readEvents(
  jobId: string,
  {
    url = service.url,
    query = "",
    headers = {},
    enough = Number.POSITIVE_INFINITY,
  }: { url?: string; query?: string; headers?: Record<string, string>; enough?: number } = {},
): Promise<Told[]> {
  const answer = await fetch(`${url}/api/v1/jobs/${jobId}/events${query}`, {
    headers,
  });
  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  const told: Told[] = [];
  let rest = "";
  if (answer.body === null) throw new Error("the answer has no body");
  for await (const chunk of answer.body) {
    const blocks = (rest + Buffer.from(chunk).toString()).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks.filter((each) => each.startsWith("id:"))) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
      told.push({ id: field("id"), type: field("event"), seq: JSON.parse(field("data")).seq });
    }
    // Leaving the loop hangs up.
    if (told.length >= enough) return told;
  }
  return told;
}

async function submit(prompt: object, watch: boolean): Promise<string> {
  const answer = await fetch(`${service.url}/api/v1/prompts`, {
    method: "POST",
    headers: { "content-type": "application/json", prefer: "respond-async" },
    body: JSON.stringify({ prompt, watch }),
  });
  return (await answer.json()).prompt_id;
}

const seqs = (told: readonly Told[]) => told.map(({ seq }) => seq);
const counting = (length: number, from = 1) => Array.from({ length }, (_, i) => i + from);

test("a job watched from its submission is told whole: every number once, from 1 to its end", async () => {
  const id = await submit(painting({ steps: 6, ms: 10 }), true);
  const told = await readEvents(id);
  expect(seqs(told)).toEqual(counting(told.length));
  expect(told.at(0)?.type).toBe("job-start");
  expect(told.at(-1)?.type).toBe("job-end");
  expect(told.filter(({ type }) => type === "node-preview").length).toBeGreaterThan(0);
});

test("a reader that was cut off goes on after the last event it saw, at any gateway", async () => {
  const other = await service.startGateway();
  const id = await submit(painting({ steps: 10, ms: 20 }), true);
  const first = await readEvents(id, { enough: 3 });
  const rest = await readEvents(id, {
    url: other.url,
    headers: { "last-event-id": first.at(-1)?.id ?? "" },
  });
  const whole = [...first, ...rest];
  expect(seqs(whole)).toEqual(counting(whole.length));
  const again = await readEvents(id, { query: `?after=${rest.at(-2)?.id}` });
  expect(again).toEqual(rest.slice(-1));
});

test("who begins to watch a running job hears what was missed as a gap, then where the job is", async () => {
  const id = await submit(painting({ steps: 30, ms: 30 }), false);
  await service.fleet.jobs.event(id, "node-progress", { where: ({ value }) => value >= 3 });
  const told = await readEvents(id);
  const types = told.map(({ type }) => type);
  expect(types[0]).toBe("job-gap");
  expect(types).toContain("job-snapshot");
  const afterGap = seqs(told.slice(1));
  expect(afterGap).toEqual(counting(afterGap.length, afterGap[0]));
  expect(types.at(-1)).toBe("job-end");
});

test("a job that ended before anybody watched is told by its end", async () => {
  const id = await submit(text("over"), false);
  await service.fleet.jobs.ended(id);
  const told = await readEvents(id);
  expect(told.map(({ type }) => type)).toEqual(["job-gap", "job-snapshot", "job-end"]);
});

test("a waiting job can be watched before a worker has it", async () => {
  const busy = await submit(painting({ steps: 100, ms: 30 }), false);
  const id = await submit(text("next"), false);
  const told = await readEvents(id);
  expect(seqs(told)).toEqual(counting(told.length));
  await service.fleet.jobs.ended(busy);
});

test("a cancelled job's log ends, whether it ran or waited", async () => {
  const running = await submit(painting({ steps: 500, ms: 20 }), true);
  const waiting = await submit(text("never"), true);
  await service.fleet.jobs.event(running, "node-progress");
  for (const id of [waiting, running]) {
    await fetch(`${service.url}/api/v1/jobs/${id}/cancel`, { method: "POST" });
    expect((await readEvents(id)).at(-1)?.type).toBe("job-end");
  }
});

test("what cannot be read is refused with a reason", async () => {
  const get = (path: string) => fetch(`${service.url}/api/v1/jobs/${path}`);
  expect((await get("nobody/events")).status).toBe(404);
  const id = await submit(text("here"), true);
  const wrong = await get(`${id}/events?after=soon`);
  expect(wrong.status).toBe(400);
  expect(await wrong.json()).toMatchObject({ code: "INVALID_REQUEST" });
});

test("streams are gone some time after their jobs, also those of a gateway that is gone", async () => {
  const doomed = await service.startGateway({ STREAM_KEEP_SECONDS: "3" });
  const id = await submit(text("short"), false);
  await service.fleet.jobs.ended(id);
  await readEvents(id, { url: doomed.url });
  const prefix = service.fleet.names.reply(id);
  expect(await namesOf(service.broker.managementUrl, "queues", prefix)).toEqual([prefix]);
  await doomed.kill("SIGKILL");
  await until("the stream is deleted", async () => {
    return (await namesOf(service.broker.managementUrl, "queues", prefix)).length === 0;
  });
});
