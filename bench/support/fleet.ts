import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { fleetStatus, type WorkerStatus } from "../../apps/loom/src/fleet/fleet-status.ts";
import { readState } from "../../apps/loom/src/fleet/state.ts";
import { superviseFleet } from "../../apps/loom/src/fleet/supervise.ts";

/** A fleet as `./loom up` starts it, from the built programs, with data that is thrown away. */
export interface BenchFleet extends AsyncDisposable {
  readonly url: string;
  readonly amqpUrl: string;
  readonly redisUrl: string;
  readonly managementUrl: string;
  readonly prefix: string;
  /** Of all processes that run now, by name, epmd excepted. */
  pids(): Promise<ReadonlyMap<string, number>>;
  /** Resolves when exactly so many have registered. */
  setWorkers(count: number): Promise<void>;
}

const NODES = fileURLToPath(new URL("../nodes/bench-nodes.mjs", import.meta.url));

export async function openBenchFleet({
  workers,
  variables,
}: {
  readonly workers: number;
  /** Added to the environment of gateway and workers. */
  readonly variables?: Readonly<Record<string, string>>;
}): Promise<BenchFleet> {
  const data = await mkdtemp(join(tmpdir(), "loom-bench-"));
  const fleet = await superviseFleet(
    { data, workers, port: 0, host: "127.0.0.1", nodes: [NODES], models: undefined },
    {
      signal: new AbortController().signal,
      ...(variables !== undefined && { variables }),
      onPartEnd: ({ name, exit }) => console.error(`${name} ended: ${exit}`),
    },
  );
  const { gatewayUrl, amqpUrl, redisUrl, managementUrl, prefix } = fleet.state;
  return {
    url: gatewayUrl,
    amqpUrl,
    redisUrl,
    managementUrl,
    prefix,
    async pids() {
      const parts = (await readState(data))?.parts ?? [];
      const shown = parts.filter(({ kind }) => kind !== "epmd");
      return new Map(shown.map(({ name, process: { pid } }) => [name, pid]));
    },
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
