/**
 * How long each surface takes to answer, one request after the other, on an idle fleet. ComfyUI's own server needs
 * 20.6 ms for /object_info and 0.25 ms for /queue.
 *
 *   ./loom bench api-latency
 */
import { openBenchFleet } from "./support/fleet.ts";
import { measure, printSamples } from "./support/measure.ts";
import { emptyImagePrompt } from "./support/post-prompt.ts";
import { printSetting } from "./support/versions.ts";

await using fleet = await openBenchFleet({ workers: 1 });
await printSetting(fleet.amqpUrl);

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(`${fleet.url}${path}`, init);
  await response.arrayBuffer();
  if (response.status >= 400) throw new Error(`${path}: ${response.status}`);
  return response;
}
let count = 0;
function post(path: string, body: (index: number) => object, headers: Record<string, string> = {}) {
  return ask(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body(count++)),
  });
}

const first = await post("/api/v1/prompts", emptyImagePrompt, { "idempotency-key": "bench" });
const jobPath = first.headers.get("location") ?? "";
const { headers } = await ask("/object_info");
const etag = headers.get("etag") ?? "";

const cases: readonly (readonly [name: string, once: () => Promise<unknown>])[] = [
  ["GET /livez", () => ask("/livez")],
  ["GET /queue", () => ask("/queue")],
  ["GET /object_info, gzip", () => ask("/object_info")],
  [
    "GET /object_info, not changed",
    () => ask("/object_info", { headers: { "if-none-match": etag } }),
  ],
  ["GET /openapi.json", () => ask("/openapi.json")],
  ["GET /api/v1/prompts/{id}", () => ask(jobPath)],
  ["GET /api/v1/jobs?limit=20", () => ask("/api/v1/jobs?limit=20")],
  [
    "POST /api/v1/prompts, replayed by its key",
    () => post("/api/v1/prompts", () => emptyImagePrompt(0), { "idempotency-key": "bench" }),
  ],
  [
    "POST /api/v1/prompts, not waiting",
    () => post("/api/v1/prompts", emptyImagePrompt, { prefer: "respond-async" }),
  ],
  [
    "POST /api/v1/prompts, not waiting, with a key",
    () =>
      post("/api/v1/prompts", emptyImagePrompt, {
        prefer: "respond-async",
        "idempotency-key": `key-${count}`,
      }),
  ],
  ["POST /api/v1/prompts, to its end", () => post("/api/v1/prompts", emptyImagePrompt)],
  ["POST /prompt", () => post("/prompt", (index) => ({ prompt: emptyImagePrompt(index) }))],
];
for (const [name, once] of cases) {
  printSamples(await measure(name, once, { warmUp: 20, samples: 200 }));
}
