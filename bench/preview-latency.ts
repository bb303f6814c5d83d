/**
 * A preview of 20 KB from the worker to the callback of a STOMP client, with one watcher and with 50 at once. The worker
 * stamps each preview when it is made, in whole milliseconds: half a millisecond of each figure is that rounding.
 *
 *   ./loom bench preview-latency
 */
import { createClient } from "@rabbitloom/client";
import { WebSocket } from "ws";
import { printTimes } from "./support/closed-loop.ts";
import { openBenchFleet } from "./support/fleet.ts";
import { printSetting } from "./support/versions.ts";

const WARM_UP = 20;
const PREVIEWS = 120;
const BYTES = 20_000;
/** As a sampler's steps come: 50 watchers of one job then take 500 messages, 10 MB, a second. */
const INTERVAL_MS = 100;

await using fleet = await openBenchFleet({ workers: 1 });
await printSetting(fleet.amqpUrl);
const client = createClient({ baseUrl: fleet.url, WebSocket, transport: "stomp" });
for (const watchers of [1, 50]) {
  const job = await client.submit({
    "1": {
      class_type: "BenchPreviews",
      inputs: { count: PREVIEWS, bytes: BYTES, ms: INTERVAL_MS, tag: watchers },
    },
  });
  const times = await Promise.all(Array.from({ length: watchers }, () => watch(job.id)));
  printTimes({
    name: `preview of ${BYTES / 1000} KB, worker to callback, ${watchers} watchers`,
    sorted: times.flat().sort((a, b) => a - b),
  });
}

/** How old each preview was when it came; those from before the watcher had connected do not count. */
async function watch(jobId: string): Promise<number[]> {
  const times: number[] = [];
  for await (const event of client.watch(jobId)) {
    if (event.type !== "node-preview") continue;
    times.push(performance.timeOrigin + performance.now() - Date.parse(event.at));
  }
  if (times.length !== PREVIEWS)
    throw new Error(`expected ${PREVIEWS} previews, got ${times.length}`);
  return times.slice(WARM_UP);
}
