import { DEFAULT_POOL, type Lane, lanes } from "./identifiers.ts";

export interface TopologyOptions {
  /** First part of every name, so that deployments and tests never meet on one broker. @default "loom" */
  readonly prefix?: string;
}

/** The names of everything on the broker. No other file makes such a name. */
export function topology({ prefix = "loom" }: TopologyOptions = {}) {
  return {
    prefix,
    jobs: {
      /** Topic exchange; routing key `<lane>.<pool>`. */
      exchange: `${prefix}.jobs`,
      key: (lane: Lane, pool: string) => `${lane}.${pool}`,
      queue: (lane: Lane, pool: string) => `${prefix}.jobs.${pool}.${lane}`,
      /** In the order in which workers look at them. */
      queues: (pool: string = DEFAULT_POOL) =>
        lanes.map((lane) => `${prefix}.jobs.${pool}.${lane}`),
    },
    /** Alternate exchange (fanout) and its queue: jobs for a pool that no queue serves. */
    unroutable: { exchange: `${prefix}.jobs.unroutable`, queue: `${prefix}.jobs.unroutable` },
    /** Dead-letter exchange (fanout) and its queue: jobs given up. */
    dead: {
      exchange: `${prefix}.dead`,
      queue: `${prefix}.dead`,
      /** Gets a copy of each: whoever reads it settles the job's record. `queue` keeps them for people. */
      watchQueue: `${prefix}.dead.watch`,
    },
    /** Fanout to every worker. */
    control: {
      exchange: `${prefix}.control`,
      queue: (workerId: string) => `${prefix}.control.${workerId}`,
    },
    /** Topic exchange; routing key `<gateway or ->.<jobId>`. */
    events: {
      exchange: `${prefix}.events`,
      key: (gatewayId: string | undefined, jobId: string) => `${gatewayId ?? "-"}.${jobId}`,
      /** Binding key: all events of the jobs that came in at one gateway. */
      ofGateway: (gatewayId: string) => `${gatewayId}.*`,
      /** Binding key: all events of one job. */
      ofJob: (jobId: string) => `*.${jobId}`,
    },
    /** The stream that holds a job's events for its watchers. */
    reply: (jobId: string) => `${prefix}.reply.${jobId}`,
    replyPrefix: `${prefix}.reply.`,
    /** Where a service that sends jobs itself has their events sent to: its `reply_to`. */
    service: (serviceId: string) => `${prefix}.service.${serviceId}`,
    gateway: (gatewayId: string) => `${prefix}.gateway.${gatewayId}`,
  };
}
export type Topology = ReturnType<typeof topology>;

/** STOMP destination of a queue that exists: nothing is declared, only read access is needed. */
export function stompDestination(queue: string): string {
  return `/amq/queue/${encodeURIComponent(queue)}`;
}

export interface JobQueueOptions {
  /** Jobs a lane holds before publishing is refused and clients get 429. @default 10_000 */
  readonly maxLength?: number;
  /** Redeliveries before a job is dead-lettered. @default 3 */
  readonly deliveryLimit?: number;
}

/** Arguments of a lane's quorum queue: every declarer must pass the same ones. */
export function jobQueueArguments(
  names: Topology,
  { maxLength = 10_000, deliveryLimit = 3 }: JobQueueOptions = {},
) {
  return {
    "x-queue-type": "quorum",
    "x-delivery-limit": deliveryLimit,
    "x-dead-letter-exchange": names.dead.exchange,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-max-length": maxLength,
  };
}

/** Arguments of a reply stream: 50 MB of one job's events, trimmed by segments of 5 MB. */
export const replyStreamArguments = {
  "x-queue-type": "stream",
  "x-max-length-bytes": 50_000_000,
  "x-stream-max-segment-size-bytes": 5_000_000,
} as const;

/**
 * Arguments of a service's reply queue. It outlives a lost connection for a while, so that the events of that
 * while wait for the service to come back; it is durable, as later brokers want of a queue that is shared.
 */
export function serviceQueueArguments(keepMs: number) {
  return { "x-queue-type": "classic", "x-expires": keepMs };
}

/** Arguments of the queues that hold dead and unroutable jobs. */
export const holdingQueueArguments = { "x-queue-type": "quorum" } as const;
