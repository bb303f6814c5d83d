/**
 * Prompts a second through the whole road, and how long one takes from POST to its picture: EmptyImage 64x64 into
 * SaveImage, each in another colour, in a closed loop against two workers. Beside it what RabbitMQ alone costs, measured
 * in the same run: our overhead is the ratio.
 *
 *   ./loom bench fleet-throughput
 */
import { closedLoop, type LoopOptions, percentile, printLoop } from "./support/closed-loop.ts";
import { openBenchFleet } from "./support/fleet.ts";
import { emptyImagePrompt, postPrompt } from "./support/post-prompt.ts";
import { rawRpc } from "./support/raw-rpc.ts";
import { printSetting } from "./support/versions.ts";

const WORKERS = 2;
const loops: readonly LoopOptions[] = [
  { name: "1 in flight", inFlight: 1, warmUp: 100, samples: 500 },
  { name: "32 in flight", inFlight: 32, warmUp: 500, samples: 3000 },
];

await using fleet = await openBenchFleet({ workers: WORKERS });
await printSetting(fleet.amqpUrl);
const raw = await rawRpc({ amqpUrl: fleet.amqpUrl, echoes: WORKERS }, loops);
let color = 0;
for (const [i, loop] of loops.entries()) {
  const ours = await closedLoop(loop, async () => {
    color += 1;
    const { status, body } = await postPrompt(fleet.url, emptyImagePrompt(color));
    if (status !== 200) throw new Error(`${status} ${body}`);
  });
  const baseline = raw[i];
  if (baseline === undefined) throw new Error("no baseline");
  printLoop({ ...baseline, name: `raw amqplib RPC, ${loop.name}` });
  const slower = (percentile(ours.sorted, 0.5) / percentile(baseline.sorted, 0.5)).toFixed(1);
  const fewer = (baseline.perSecond / ours.perSecond).toFixed(1);
  printLoop(
    { ...ours, name: `POST to picture, ${loop.name}` },
    `median ${slower} x raw, rate 1/${fewer} of raw`,
  );
}
