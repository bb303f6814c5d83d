import { attempts } from "./attempts.ts";
import { endings } from "./endings.ts";
import type { JobStore } from "./job-store.ts";
import { names } from "./names.ts";
import { reads } from "./reads.ts";
import { connectRedis } from "./redis-connection.ts";
import { registry } from "./registry.ts";
import { type Retention, retentionArguments } from "./retention.ts";
import { storeScripts } from "./scripts/index.ts";
import { storeRoot } from "./scripts/prelude.ts";
import type { StoreContext } from "./store-context.ts";
import { streams } from "./streams.ts";

export interface JobStoreOptions {
  /** `redis://user:password@host:port/database`. */
  readonly url: string;
  /** Deployments and tests that share one Redis keep apart by it. @default "loom" */
  readonly prefix?: string;
  /** Shown in Redis's list of clients. @default "rabbitloom" */
  readonly name?: string;
  readonly retention?: Retention;
  /** A worker that has not announced itself for so long is gone. @default 15 */
  readonly workerTtlSeconds?: number;
  /** How long the first connection may take before STORE_UNAVAILABLE is thrown; 0 does not wait. @default 15_000 */
  readonly waitMs?: number;
  /** Told about what goes wrong beside the calls: for the log. */
  readonly onProblem?: (error: Error) => void;
}

/**
 * Opens the fleet's memory in Redis. Every method throws STORE_UNAVAILABLE at once while Redis is away, and
 * the next call after its return works again.
 */
export async function openJobStore({
  url,
  prefix = "loom",
  name = "rabbitloom",
  retention: keeping = {},
  workerTtlSeconds = 15,
  waitMs = 15_000,
  onProblem = () => {},
}: JobStoreOptions): Promise<JobStore> {
  const redis = await connectRedis({ url, name, waitMs, onProblem, scripts: storeScripts });
  const root = storeRoot(prefix);
  const retention = retentionArguments(keeping);
  const context: StoreContext = {
    run: (script, ...args) => redis.run(script, root, args),
    retention,
    goneMs: retention[2],
  };
  return {
    ...attempts(context),
    ...endings(context),
    ...reads(context),
    ...names(context),
    ...registry(context, workerTtlSeconds * 1_000),
    ...streams(context),
    onQueueChange: (listener) =>
      redis.subscribe(`${root}queue-change`, (text) => listener(Number(text))),
    ping: () => redis.ping(),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}
