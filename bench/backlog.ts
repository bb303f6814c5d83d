/**
 * A lane that is filled while no worker is there: what it takes to hand jobs in and to look at the queue, what the next
 * one is told when it is full, and how fast workers then empty it.
 *
 *   JOBS=5000 ./loom bench backlog
 */
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { closedLoop, printLoop } from "./support/closed-loop.ts";
import { openBenchFleet } from "./support/fleet.ts";
import { measure, printSamples } from "./support/measure.ts";
import { emptyImagePrompt, type PromptAnswer, postPrompt } from "./support/post-prompt.ts";
import { printSetting } from "./support/versions.ts";

const { JOBS } = z
  .object({ JOBS: z.coerce.number().int().min(100).default(5_000) })
  .parse(process.env);
const WORKERS = 2;

await using fleet = await openBenchFleet({
  workers: WORKERS,
  variables: { MAX_QUEUE_LENGTH: String(JOBS) },
});
await printSetting(fleet.amqpUrl);
await fleet.setWorkers(0);

const ids: string[] = [];
const acceptedSchema = z.object({ prompt_id: z.string() });
const submit = (color: number) =>
  postPrompt(fleet.url, emptyImagePrompt(color), { prefer: "respond-async" });
const loop = { name: "hand in, 32 in flight", inFlight: 32, warmUp: 0, samples: JOBS };
printLoop(
  await closedLoop(loop, async (color) => {
    ids.push(idOf(await submit(color)));
  }),
);
// RabbitMQ's bound is not sharp: a few more are taken.
let answer = await submit(JOBS);
while (answer.status === 202 && ids.length < 2 * JOBS) {
  ids.push(idOf(answer));
  answer = await submit(ids.length);
}
console.log(
  `the ${ids.length + 1}th: ${answer.status}, Retry-After ${answer.headers["retry-after"]} s, ${answer.body.slice(0, 120)}`,
);
for (const path of ["/prompt", "/queue", "/api/v1/jobs", `/api/v1/jobs/${ids.at(-1)}`]) {
  const name = path.startsWith("/api/v1/jobs/") ? "/api/v1/jobs/{the last one}" : path;
  const once = async () => (await fetch(fleet.url + path)).arrayBuffer();
  printSamples(await measure(`GET ${name}, ${JOBS} wait`, once));
}

const startedAt = performance.now();
await fleet.setWorkers(WORKERS);
const queueSchema = z.object({ exec_info: z.object({ queue_remaining: z.int() }) });
for (;;) {
  const { exec_info } = queueSchema.parse(await (await fetch(`${fleet.url}/prompt`)).json());
  if (exec_info.queue_remaining === 0) break;
  await delay(200);
}
const seconds = (performance.now() - startedAt) / 1000;
const states = new Map<string, number>();
const stateSchema = z.object({ state: z.string() });
for (const id of ids) {
  const { state } = stateSchema.parse(await (await fetch(`${fleet.url}/api/v1/jobs/${id}`)).json());
  states.set(state, (states.get(state) ?? 0) + 1);
}
console.log(
  `emptied by ${WORKERS} workers in ${seconds.toFixed(1)} s with their start, ${(ids.length / seconds).toFixed(0)}/s; ` +
    `ended as ${[...states].map(([state, count]) => `${state} x ${count}`).join(", ")}`,
);

function idOf({ status, body }: PromptAnswer): string {
  if (status !== 202) throw new Error(`${status} ${body}`);
  return acceptedSchema.parse(JSON.parse(body)).prompt_id;
}
