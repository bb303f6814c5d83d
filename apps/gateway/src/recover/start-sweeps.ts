import type { JobStore } from "@rabbitloom/jobs";
import type { FastifyBaseLogger } from "fastify";
import type { Amqp, JobPublisher } from "../amqp/ports.ts";
import type { Config } from "../config.ts";
import { tenantQueueKeeper } from "../turns/tenant-queue-keeper.ts";
import { jobSweeper } from "./job-sweeper.ts";
import { repeat } from "./repeat.ts";

export interface SweepOptions {
  readonly config: Config;
  readonly store: JobStore;
  readonly publisher: JobPublisher;
  readonly amqp: Pick<Amqp, "lanes" | "streams" | "tenantQueues">;
  readonly logger: FastifyBaseLogger;
  readonly onError: (error: unknown) => void;
}

const EVERY_MS = 1_000;
/** A gateway that does not come back for so long has left the sweeping to another one. */
const LEASE_MS = 5 * EVERY_MS;

/** Looks after lost jobs and tenants' queues, for the whole fleet, until disposed. */
export function startSweeps(options: SweepOptions): AsyncDisposable {
  const { config, store, publisher, amqp, logger, onError } = options;
  const { gatewayId, turns, pools } = config;
  const jobs = jobSweeper({
    store,
    publisher,
    streams: amqp.streams,
    lanes: amqp.lanes,
    gatewayId,
    missingMs: config.missingMs,
    deliveryLimit: config.queueLimits.deliveryLimit,
    leaseMs: LEASE_MS,
    hasOwnQueues: turns.isOn,
  });
  const queues = tenantQueueKeeper({
    ...turns,
    store,
    queues: amqp.tenantQueues,
    publisher,
    gatewayId,
    leaseMs: LEASE_MS,
    lasting: { tenants: Object.values(config.senders?.tenants ?? {}), pools },
  });
  const sweepJobs = async () => {
    const swept = await jobs.sweep();
    if (Object.values(swept).some((count) => count > 0)) logger.warn(swept, "swept jobs");
  };
  const sweeps = [
    repeat(EVERY_MS, () => sweepJobs().catch(onError)),
    repeat(EVERY_MS, () => queues.sweep().catch(onError)),
  ];
  return {
    async [Symbol.asyncDispose]() {
      for (const sweep of sweeps) await sweep[Symbol.asyncDispose]();
    },
  };
}
