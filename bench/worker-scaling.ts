/**
 * Throughput with 1, 2 and 4 workers on jobs that sleep 50 ms: what a fleet gains where the work, not the machine, is
 * the limit.
 *
 *   ./loom bench worker-scaling
 */
import { closedLoop, printLoop } from "./support/closed-loop.ts";
import { openBenchFleet } from "./support/fleet.ts";
import { postPrompt } from "./support/post-prompt.ts";
import { printSetting } from "./support/versions.ts";

const SLEEP_MS = 50;
const SAMPLES_PER_WORKER = 150;

await using fleet = await openBenchFleet({ workers: 1 });
await printSetting(fleet.amqpUrl);
let tag = 0;
let single = 0;
for (const workers of [1, 2, 4]) {
  await fleet.setWorkers(workers);
  const result = await closedLoop(
    {
      name: `${workers} workers, jobs of ${SLEEP_MS} ms`,
      inFlight: workers * 4,
      warmUp: 40 * workers,
      samples: SAMPLES_PER_WORKER * workers,
    },
    async () => {
      tag += 1;
      const { status, body } = await postPrompt(fleet.url, {
        "1": { class_type: "BenchSleep", inputs: { ms: SLEEP_MS, tag } },
      });
      if (status !== 200) throw new Error(`${status} ${body}`);
    },
  );
  if (workers === 1) single = result.perSecond;
  printLoop(result, `${(result.perSecond / single).toFixed(2)} x one worker`);
}
