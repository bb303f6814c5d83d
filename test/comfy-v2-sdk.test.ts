/** The official SDK of Comfy API v2, unmodified, against a gateway and workers that really run. */
import { randomBytes, randomUUID } from "node:crypto";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Comfy, type ComfyEvent, type Job } from "@comfyorg/sdk";
import { schemas } from "@comfyorg/sdk/low";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openService, painting, type TestService } from "./support/service.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

let service: TestService;
let comfy: Comfy;
beforeAll(async () => {
  service = await openService();
  vi.stubEnv("COMFY_BASE_URL", service.url);
  comfy = new Comfy();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await service[Symbol.asyncDispose]();
});

const workflow = (graph: object) => comfy.workflows.fromJson({ ...graph });
const answer = (path: string, init?: RequestInit) => fetch(`${service.url}/api/v2${path}`, init);

function submitRaw(body: unknown, headers: Readonly<Record<string, string>> = {}) {
  return answer("/jobs", {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

async function eventsOf(job: Job): Promise<ComfyEvent[]> {
  const seen: ComfyEvent[] = [];
  for await (const event of job.events()) seen.push(event);
  return seen;
}

async function pictureBytes(): Promise<Buffer> {
  const raw = randomBytes(24 * 16 * 3);
  return sharp(raw, { raw: { width: 24, height: 16, channels: 3 } })
    .png()
    .toBuffer();
}

const pixelsOf = (png: Uint8Array | undefined) => sharp(png).removeAlpha().raw().toBuffer();

/** The largest difference of two values. ComfyUI truncates to bytes, so each way may lose one. */
function furthest(some: Uint8Array, others: Uint8Array): number {
  expect(some).toHaveLength(others.length);
  return Math.max(...some.map((value, i) => Math.abs(value - (others[i] ?? 0))));
}

function invertPicture(image: unknown) {
  return {
    "1": { class_type: "LoadImage", inputs: { image } },
    "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "inverted" } },
  };
}

test("a workflow runs, and its output is downloaded whole and in part", async () => {
  const job = await comfy.run(workflow(painting({ steps: 2, ms: 1 })));
  expect(job.status).toBe("succeeded");
  const [output] = job.getOutputs("3");
  const bytes = await output?.toBytes();
  expect((await sharp(bytes).metadata()).format).toBe("png");
  expect(Buffer.from((await output?.toBytes({ range: [1, 3] })) ?? []).toString()).toBe("PNG");
  const link = await output?.getDownloadUrl();
  expect(link?.url).toContain("/content");

  const shown = await (await answer(`/jobs/${job.id}`)).json();
  expect(schemas.zJob.parse(shown)).toMatchObject({
    status: "succeeded",
    queue_position: null,
    error: null,
    outputs: [
      {
        node_id: "3",
        type: "image",
        content_type: "image/png",
        size_bytes: BigInt(bytes?.length ?? 0),
      },
    ],
  });
});

test("a text that a node shows is an output too", async () => {
  const job = await comfy.run(workflow(text("hello")));
  const [output] = job.getOutputs("1");
  expect(Buffer.from((await output?.toBytes()) ?? []).toString()).toBe("hello");
});

test("events tell status, progress that never falls, previews, and outputs before the end", async () => {
  const job = await comfy.submit(workflow(painting({ steps: 30, ms: 60 })));
  const seen = await eventsOf(job);
  const kinds = seen.map(({ kind }) => kind);
  expect(new Set(kinds)).toEqual(new Set(["statusChange", "progress", "preview", "outputReady"]));
  expect(seen.at(-1)).toMatchObject({ kind: "statusChange", status: "succeeded" });
  const values = seen.flatMap((event) => (event.kind === "progress" ? [event.value] : []));
  expect(values).toEqual(values.toSorted((a, b) => a - b));
  expect(values.at(-1)).toBe(1);
  const preview = seen.find((event) => event.kind === "preview");
  expect(preview).toMatchObject({ nodeId: "2", contentType: "image/png" });
  // Somebody who comes after the end hears what came out, and that it has ended.
  const late = await eventsOf(await comfy.jobs.get(job.id));
  expect(late.map(({ kind }) => kind)).toEqual(["outputReady", "statusChange"]);
});

test("a stream that broke off goes on behind the last id that was read", async () => {
  const shown = text("early");
  const job = await comfy.submit(
    workflow({ "1": shown["1"], "2": steps({ steps: 40, ms: 50 }, "2")["2"] }),
  );
  const gone = new AbortController();
  const first = await answer(`/jobs/${job.id}/events`, { signal: gone.signal });
  let read = "";
  for await (const chunk of first.body ?? []) {
    read += Buffer.from(chunk).toString();
    if (/event: output\n.*\n\n/.test(read)) break;
  }
  gone.abort();
  const lastId = [...read.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1] ?? "";
  const rest = await answer(`/jobs/${job.id}/events`, { headers: { "last-event-id": lastId } });
  const outputs = [...(await rest.text()).matchAll(/event: output\ndata: (.*)/g)];
  expect(outputs.map(([, data]) => JSON.parse(data ?? "").node_id)).toEqual(["2"]);
});

test("a running job that is cancelled stops, and a queued one never starts", async () => {
  const running = await comfy.submit(workflow(steps({ steps: 1_000, ms: 20, tag: "a" })));
  await until("it runs", async () => (await running.refresh()).status === "running");
  const queued = await comfy.submit(workflow(steps({ steps: 1, ms: 1, tag: "b" })));
  expect(schemas.zJob.parse(await (await answer(`/jobs/${queued.id}`)).json())).toMatchObject({
    status: "queued",
    queue_position: 1,
    started_at: null,
  });
  await queued.cancel();
  expect(queued.status).toBe("canceled");
  const watching = eventsOf(running);
  await running.cancel();
  expect(["canceling", "canceled"]).toContain(running.status);
  const statuses = (await watching).flatMap((e) => (e.kind === "statusChange" ? [e.status] : []));
  expect(statuses.at(-1)).toBe("canceled");
  await running.cancel();
  expect(running.status).toBe("canceled");
  const shown = schemas.zJob.parse(await (await answer(`/jobs/${queued.id}`)).json());
  expect(shown).toMatchObject({ status: "canceled", started_at: null, error: null });
});

test("a node that fails is a failed job, which says node, class and trace", async () => {
  const failing = workflow({ "1": { class_type: "ToyFail", inputs: { message: "boom" } } });
  await expect(comfy.run(failing)).rejects.toMatchObject({ code: "node_execution_error" });
  const job = await comfy.submit(failing);
  await job.wait();
  expect(job.error).toMatchObject({ node_id: "1", class_type: "ToyFail" });
  expect(job.error?.message).toContain("boom");
  expect(job.error?.traceback).toEqual(expect.any(String));
});

test("a picture is uploaded once, and workflows load it by its handle, at any depth, or by its name", async () => {
  const bytes = await pictureBytes();
  const asset = comfy.assets.fromBytes(bytes, { filename: "mine.png", contentType: "image/png" });
  const job = await comfy.run(workflow(invertPicture(asset)));
  const inverted = await job.getOutputs("3")[0]?.toBytes();
  const negative = (await pixelsOf(bytes)).map((value) => 255 - value);
  expect(furthest(await pixelsOf(inverted), negative)).toBeLessThanOrEqual(1);

  const again = comfy.assets.fromBytes(bytes, { filename: "mine.png", contentType: "image/png" });
  expect(await again.commit()).toBe(asset.id);
  expect(again.createdNew).toBe(false);
  expect((await comfy.run(workflow(invertPicture("mine.png")))).status).toBe("succeeded");

  // What one job shows, another one can load.
  const reference = { __type: "core/ASSET", info: { id: job.outputs[0]?.id } };
  const back = await comfy.run(workflow(invertPicture(reference)));
  const twice = await back.getOutputs("3")[0]?.toBytes();
  expect(furthest(await pixelsOf(twice), await pixelsOf(bytes))).toBeLessThanOrEqual(2);
  const shown = await back.getWorkflow();
  expect(shown).toMatchObject({
    format: "api",
    workflow: { "1": { inputs: { image: expect.stringMatching(/ \[output\]$/) } } },
  });
});

test("an asset that is deleted is gone, and its bytes stay while another one has them", async () => {
  const bytes = await pictureBytes();
  const one = comfy.assets.fromBytes(bytes, { filename: "one.png", contentType: "image/png" });
  const two = comfy.assets.fromBytes(bytes, { filename: "two.png", contentType: "image/png" });
  const [first, second] = [await one.commit(), await two.commit()];
  expect(first).not.toBe(second);
  await comfy.assets.delete(first);
  await expect(comfy.assets.delete(first)).rejects.toMatchObject({ code: "not_found" });
  await expect(comfy.assets.get(first)).rejects.toMatchObject({ code: "not_found" });
  const stored = await (await answer(`/assets/${second}/content`)).arrayBuffer();
  expect(Buffer.compare(Buffer.from(stored), bytes)).toBe(0);
  await expect(comfy.submit(workflow(invertPicture(one)))).rejects.toMatchObject({
    code: "missing_asset",
    details: { missing_ids: [first] },
  });
});

test.each([
  ["no JSON", "{", 400, "invalid_request"],
  ["no object", "[]", 400, "invalid_request"],
  ["no workflow", {}, 422, "invalid_workflow"],
  ["a workflow that is a list", { workflow: [] }, 422, "invalid_workflow"],
  ["the editor's file", { workflow: { nodes: [], links: [] } }, 422, "workflow_format_ui"],
  ["an unknown class", { workflow: { "1": { class_type: "Nothing" } } }, 422, "invalid_workflow"],
  ["no output", { workflow: {} }, 422, "invalid_workflow"],
  [
    "a missing input",
    { workflow: { "1": { class_type: "ToyText", inputs: {} } } },
    422,
    "invalid_workflow",
  ],
  ["a reserved member", { workflow: text("a"), inputs: {} }, 422, "invalid_workflow"],
  ["foreign extra data", { workflow: text("a"), extra_data: { a: 1 } }, 400, "invalid_request"],
  [
    "an asset without an id",
    { workflow: invertPicture({ __type: "core/ASSET" }) },
    422,
    "missing_asset",
  ],
])("%s is refused in the envelope", async (_what, body, status, code) => {
  const refused = await submitRaw(body);
  expect(refused.status).toBe(status);
  expect(await refused.json()).toMatchObject({ error: { code, message: expect.any(String) } });
});

test("an idempotency key serves once, replays when asked to, and is free again after a refusal", async () => {
  const key = randomUUID();
  const job = await comfy.submit(workflow(text("once")), { idempotencyKey: key });
  await expect(comfy.submit(workflow(text("once")), { idempotencyKey: key })).rejects.toMatchObject(
    {
      code: "idempotency_key_reuse",
      details: { job_id: job.id },
    },
  );
  const headers = { "idempotency-key": key, prefer: "idempotent-replay" };
  const replayed = await submitRaw({ workflow: text("once") }, headers);
  expect([replayed.status, replayed.headers.get("idempotent-replayed")]).toEqual([201, "true"]);
  expect(await replayed.json()).toMatchObject({ id: job.id });
  expect((await submitRaw({ workflow: text("other") }, headers)).status).toBe(422);

  const free = { "idempotency-key": randomUUID() };
  expect((await submitRaw({ workflow: { "1": { class_type: "Nothing" } } }, free)).status).toBe(
    422,
  );
  expect((await submitRaw({ workflow: text("after") }, free)).status).toBe(201);
  const many = { "idempotency-key": randomUUID() };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => submitRaw({ workflow: text("raced") }, many)),
  );
  const won = answers.filter(({ status }) => status === 201);
  expect(won).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 422)).toHaveLength(7);
});

test("what is not there is a 404 in the envelope, on every route", async () => {
  const paths = [
    "/jobs/nothing",
    "/jobs/a%2Fb/events",
    "/jobs/x/workflow",
    "/assets/y",
    "/assets/y/content",
    "/assets/a~b",
    "/nowhere",
  ];
  for (const path of paths) {
    const refused = await answer(path);
    expect([path, refused.status]).toEqual([path, 404]);
    expect(await refused.json()).toMatchObject({ error: { code: "not_found" } });
  }
  const hash = `blake3%3A${"0".repeat(64)}`;
  expect((await answer(`/assets/by-hash/${hash}`, { method: "HEAD" })).status).toBe(404);
});

test("uploads that are wrong are refused, and leave nothing behind", async () => {
  const upload = (fields: Readonly<Record<string, string>>, content?: Uint8Array<ArrayBuffer>) => {
    const form = new FormData();
    if (content !== undefined) form.append("file", new Blob([content]), "a.bin");
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return answer("/assets", { method: "POST", body: form });
  };
  const bytes = new Uint8Array([1, 2, 3]);
  const good = { content_type: "application/octet-stream", file_path: "a.bin" };
  const expectRefusal = async (refused: Response, status: number, code: string) => {
    expect([refused.status, await refused.json()]).toEqual([
      status,
      { error: { code, message: expect.any(String) } },
    ]);
  };
  await expectRefusal(await upload(good), 400, "invalid_request");
  await expectRefusal(await upload({ file_path: "a.bin" }, bytes), 400, "invalid_request");
  await expectRefusal(await upload({ ...good, file_path: "../a" }, bytes), 422, "invalid_request");
  await expectRefusal(
    await upload({ ...good, file_path: "models/vae/a.bin" }, bytes),
    400,
    "invalid_request",
  );
  await expectRefusal(
    await upload({ ...good, expected_hash: `blake3:${"0".repeat(64)}` }, bytes),
    409,
    "hash_mismatch",
  );
  await expectRefusal(await upload({ ...good, expires_in: "5" }, bytes), 400, "invalid_request");
  expect(
    (await readdir(join(service.fleet.dataDir, "temp"))).filter((n) => n.includes("upload")),
  ).toEqual([]);
  await expect(access(join(service.fleet.dataDir, "input", "a.bin"))).rejects.toThrow();
  expect((await upload({ ...good, expires_in: "60", tags: '["x","y"]' }, bytes)).status).toBe(201);
  expect((await upload(good, bytes)).status).toBe(200);
});

test("what a page could run is sent as a file to keep", async () => {
  const form = new FormData();
  form.append("file", new Blob(["<script>alert(1)</script>"]), "a.html");
  form.append("content_type", "text/html");
  form.append("file_path", "a.html");
  const { id } = await (await answer("/assets", { method: "POST", body: form })).json();
  const content = await answer(`/assets/${id}/content`);
  expect(content.headers.get("content-type")).toBe("application/octet-stream");
  expect(content.headers.get("content-disposition")).toMatch(/^attachment/);
  expect(content.headers.get("x-content-type-options")).toBe("nosniff");
});
