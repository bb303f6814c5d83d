/**
 * What RabbitMQ alone costs: RPC over a quorum queue with nothing of ours, by the number of echo processes.
 *
 *   ./loom bench rpc-baseline
 */
import { printLoop } from "./support/closed-loop.ts";
import { openBenchFleet } from "./support/fleet.ts";
import { rawRpc } from "./support/raw-rpc.ts";
import { printSetting } from "./support/versions.ts";

await using fleet = await openBenchFleet({ workers: 0 });
await printSetting(fleet.amqpUrl);
for (const echoes of [1, 2, 4]) {
  const results = await rawRpc({ amqpUrl: fleet.amqpUrl, echoes }, [
    {
      name: `raw amqplib RPC, ${echoes} echoes, 1 in flight`,
      inFlight: 1,
      warmUp: 100,
      samples: 500,
    },
    {
      name: `raw amqplib RPC, ${echoes} echoes, 32 in flight`,
      inFlight: 32,
      warmUp: 500,
      samples: 3000,
    },
  ]);
  for (const result of results) printLoop(result);
}
