/**
 * One client's requests to ComfyUI's routes, one after the other on a kept connection, beside jobs that have ended.
 * ComfyUI 0.3.64, recorded on another machine of two cores at a load of about 1.5: GET /object_info 20.6 ms, GET /queue
 * 0.25 ms, GET /prompt 0.24 ms.
 *
 *   ./loom bench comfy-surfaces
 */
import * as z from "zod";
import { openBenchFleet } from "./support/fleet.ts";
import { measure, printSamples } from "./support/measure.ts";
import { emptyImagePrompt } from "./support/post-prompt.ts";
import { printSetting } from "./support/versions.ts";

const promptSchema = z.object({ exec_info: z.object({ queue_remaining: z.number() }) });
const savedSchema = z.object({
  outputs: z.object({ "2": z.object({ images: z.array(z.record(z.string(), z.string())) }) }),
});

/** What history holds while it is read. */
const ENDED_JOBS = 100;

await using fleet = await openBenchFleet({ workers: 1 });
await printSetting(fleet.amqpUrl);

async function call(path: string, init: RequestInit = {}): Promise<ArrayBuffer> {
  const answer = await fetch(`${fleet.url}${path}`, init);
  if (answer.status !== 200 && answer.status !== 304) {
    throw new Error(`${init.method ?? "GET"} ${path}: ${answer.status} ${await answer.text()}`);
  }
  return answer.arrayBuffer();
}
let posted = 0;
const post = () => {
  const body = JSON.stringify({ prompt: emptyImagePrompt(posted++) });
  return call("/prompt", { method: "POST", body });
};
async function untilIdle(): Promise<void> {
  for (;;) {
    const { exec_info } = promptSchema.parse(await (await fetch(`${fleet.url}/prompt`)).json());
    if (exec_info.queue_remaining === 0) return;
  }
}

for (let i = 0; i < ENDED_JOBS; i++) await post();
await untilIdle();
const history = await (await fetch(`${fleet.url}/history`)).json();
const [id] = Object.keys(z.record(z.string(), z.unknown()).parse(history));
const info = await fetch(`${fleet.url}/object_info`);
const etag = info.headers.get("etag") ?? "";
const plain = { headers: { "accept-encoding": "identity" } };
const sizes = [await call("/object_info", plain), await call("/history", plain)];
console.log(
  `object_info ${sizes[0]?.byteLength} bytes, history of ${ENDED_JOBS} ${sizes[1]?.byteLength} bytes`,
);
const [picture] = await pictures();

const surfaces: Readonly<Record<string, () => Promise<unknown>>> = {
  "GET /prompt": () => call("/prompt"),
  "GET /queue, nothing waits": () => call("/queue"),
  "GET /history, 100 entries": () => call("/history"),
  "GET /history?max_items=1": () => call("/history?max_items=1"),
  "GET /history/{id}": () => call(`/history/${id}`),
  "GET /api/jobs?limit=20": () => call("/api/jobs?limit=20"),
  "GET /object_info, as it is": () => call("/object_info", plain),
  "GET /object_info, gzip": () => call("/object_info"),
  "GET /object_info, 304": () => call("/object_info", { headers: { "if-none-match": etag } }),
  "GET /object_info/KSampler": () => call("/object_info/KSampler"),
  "GET /system_stats": () => call("/system_stats"),
  "GET /view, a saved PNG": () => call(`/view?${picture}`),
  "GET /view, its webp preview": () => call(`/view?${picture}&preview=webp;90`),
};
for (const [name, once] of Object.entries(surfaces)) {
  printSamples(await measure(name, once, { warmUp: 30, samples: 200 }));
}
printSamples(await measure("POST /prompt", post, { warmUp: 30, samples: 200 }), "beside its jobs");
await untilIdle();

/** Queries of `/view` for the pictures of one job that saves. */
async function pictures(): Promise<URLSearchParams[]> {
  const prompt = {
    "1": { class_type: "EmptyImage", inputs: { width: 64, height: 64, batch_size: 1, color: 7 } },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "bench" } },
  };
  const answer = await fetch(`${fleet.url}/api/v1/prompts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(prompt),
  });
  const { outputs } = savedSchema.parse(await answer.json());
  return outputs["2"].images.map((file) => new URLSearchParams(file));
}
