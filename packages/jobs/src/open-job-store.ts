import * as z from "zod";
import { assets } from "./assets.ts";
import { attempts } from "./attempts.ts";
import { endings } from "./endings.ts";
import { idempotency } from "./idempotency.ts";
import type { JobStore } from "./job-store.ts";
import { keyRing } from "./keys.ts";
import { names } from "./names.ts";
import { reads } from "./reads.ts";
import { recovery } from "./recovery.ts";
import { connectRedis } from "./redis-connection.ts";
import { registry } from "./registry.ts";
import { type Retention, retentionArguments } from "./retention.ts";
import { storeScripts } from "./scripts/index.ts";
import { countRequestScript } from "./scripts/limits.ts";
import { storeRoot } from "./scripts/prelude.ts";
import type { StoreContext } from "./store-context.ts";
import { streams } from "./streams.ts";
import { turns } from "./turns.ts";
import { webhooks } from "./webhooks.ts";

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
  /**
   * An attempt that reported so recently is not taken over, whatever the broker says: it redelivers a message also
   * because a connection was lost or an acknowledgement took too long. Workers report twice a second. @default 3
   */
  readonly attemptTtlSeconds?: number;
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
  attemptTtlSeconds = 3,
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
    aliveMs: attemptTtlSeconds * 1_000,
  };
  return {
    ...assets(context),
    ...attempts(context),
    ...endings(context),
    ...reads(context),
    ...names(context),
    ...registry(context, workerTtlSeconds * 1_000),
    ...streams(context),
    ...recovery(context),
    ...turns(context),
    ...idempotency(context),
    ...webhooks(context),
    onQueueChange: (listener) =>
      redis.subscribe(`${root}queue-change`, (text) => listener(Number(text))),
    keys: keyRing(context, { root, redis }),
    async countRequest(who, windowMs) {
      const answer = await context.run(countRequestScript, who, windowMs);
      const [used, resetMs] = z.tuple([z.number(), z.number()]).parse(answer);
      return { used, resetMs };
    },
    ping: () => redis.ping(),
    keepMs: retention[0],
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}
