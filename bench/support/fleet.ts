import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { fleetStatus, type WorkerStatus } from "../../apps/loom/src/fleet/fleet-status.ts";
import { superviseFleet } from "../../apps/loom/src/fleet/supervise.ts";

/** A fleet as `./loom up` starts it, from the built programs, with data that is thrown away. */
export interface BenchFleet extends AsyncDisposable {
  readonly url: string;
  readonly amqpUrl: string;
  readonly prefix: string;
  /** Resolves when exactly so many have registered. */
  setWorkers(count: number): Promise<void>;
}

const NODES = fileURLToPath(new URL("../nodes/bench-nodes.mjs", import.meta.url));

export async function openBenchFleet({
  workers,
}: {
  readonly workers: number;
}): Promise<BenchFleet> {
  const data = await mkdtemp(join(tmpdir(), "loom-bench-"));
  const fleet = await superviseFleet(
    { data, workers, port: 0, host: "127.0.0.1", nodes: [NODES], models: undefined },
    {
      signal: new AbortController().signal,
      onPartEnd: ({ name, exit }) => console.error(`${name} ended: ${exit}`),
    },
  );
  const { gatewayUrl, amqpUrl, prefix } = fleet.state;
  return {
    url: gatewayUrl,
    amqpUrl,
    prefix,
    async setWorkers(count) {
      await fleet.setWorkers(count);
      const isSettled = ({ state }: WorkerStatus) => state === "idle";
      for (;;) {
        const { workers: found } = await fleetStatus(data);
        if (found.length === count && found.every(isSettled)) return;
        await delay(100);
      }
    },
    async [Symbol.asyncDispose]() {
      await fleet.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}
