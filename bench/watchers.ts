/**
 * Many STOMP watchers of one job that sends a preview of 20 KB a second: whether each saw every event, how old previews
 * were, and how much longer the job took on its worker than one that nobody watches.
 *
 *   WATCHERS=500 ./loom bench watchers
 */
import { createClient, type JobHandle } from "@rabbitloom/client";
import { WebSocket } from "ws";
import * as z from "zod";
import { printTimes } from "./support/closed-loop.ts";
import { openBenchFleet } from "./support/fleet.ts";
import { printSetting } from "./support/versions.ts";

const { WATCHERS } = z
  .object({ WATCHERS: z.coerce.number().int().positive().default(500) })
  .parse(process.env);
const PREVIEWS = 40;
const BYTES = 20_000;
const INTERVAL_MS = 1_000;

await using fleet = await openBenchFleet({ workers: 1 });
await printSetting(fleet.amqpUrl);
const client = createClient({ baseUrl: fleet.url, WebSocket, transport: "stomp" });

const alone = await start(0);
await alone.result();
const job = await start(1);
const startedAt = performance.now();
const seen = await Promise.all(Array.from({ length: WATCHERS }, () => watch(job)));
console.log(
  `${WATCHERS} watchers, ${PREVIEWS} previews of ${BYTES / 1000} KB, one in ${INTERVAL_MS} ms`,
);
console.log(
  `saw every preview and the end: ${seen.filter(({ length }) => length === PREVIEWS).length}; ` +
    `all had ended ${((performance.now() - startedAt) / 1000).toFixed(1)} s after the first began to connect`,
);
// What was sent before a watcher had connected comes late by its nature.
const live = seen.flatMap((ages) => ages.slice(PREVIEWS / 2));
printTimes({
  name: "preview, worker to callback, second half",
  sorted: live.sort((a, b) => a - b),
});
const [unwatched, watched] = await Promise.all([runMs(alone), runMs(job)]);
console.log(
  `on the worker: ${unwatched} ms unwatched, ${watched} ms watched, ${(((watched - unwatched) / unwatched) * 100).toFixed(1)} % longer`,
);

function start(tag: number): Promise<JobHandle> {
  const inputs = { count: PREVIEWS, bytes: BYTES, ms: INTERVAL_MS, tag };
  return client.submit({ "1": { class_type: "BenchPreviews", inputs } });
}

/** How old each preview was when it came, in milliseconds. Throws where the job's end does not come. */
async function watch({ id }: JobHandle): Promise<number[]> {
  const ages: number[] = [];
  for await (const event of client.watch(id)) {
    if (event.type === "node-preview") {
      ages.push(performance.timeOrigin + performance.now() - Date.parse(event.at));
    }
    if (event.type === "job-end") return ages;
  }
  throw new Error(`a watcher of ${id} was not told its end`);
}

async function runMs(handle: JobHandle): Promise<number> {
  const { startedAt: from, endedAt: to } = await handle.view();
  return Date.parse(to ?? "") - Date.parse(from ?? "");
}
