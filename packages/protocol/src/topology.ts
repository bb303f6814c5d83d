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
      /** Topic exchange; routing key `<lane>.<pool>`, or `<lane>.<pool>.<tenant>` to the tenant's own queue. */
      exchange: `${prefix}.jobs`,
      key: (lane: Lane, pool: string, tenant?: string) => dotted(lane, pool, tenant),
      queue: (lane: Lane, pool: string, tenant?: string) =>
        `${prefix}.jobs.${dotted(pool, lane, tenant)}`,
      /** In the order in which workers look at them. */
      queues: (pool: string = DEFAULT_POOL) =>
        lanes.map((lane) => `${prefix}.jobs.${pool}.${lane}`),
    },
    /** Holds one message for each queue that some tenant has for itself: its name, for whoever has forgotten it. */
    tenantQueues: `${prefix}.jobs.tenants`,
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
    /** A note about each stream: it waits for a while, and then it is due to be looked at. */
    streamNotes: { waiting: `${prefix}.streams.waiting`, due: `${prefix}.streams.due` },
    /** Where a service that sends jobs itself has their events sent to: its `reply_to`. */
    service: (serviceId: string) => `${prefix}.service.${serviceId}`,
    gateway: (gatewayId: string) => `${prefix}.gateway.${gatewayId}`,
  };
}
export type Topology = ReturnType<typeof topology>;

function dotted(...words: readonly (string | undefined)[]): string {
  return words.filter((word) => word !== undefined).join(".");
}

/** STOMP destination of a queue that exists: nothing is declared, only read access is needed. */
export function stompDestination(queue: string): string {
  return `/amq/queue/${encodeURIComponent(queue)}`;
}

export const DEFAULT_DELIVERY_LIMIT = 3;

export interface JobQueueOptions {
  /** Jobs a lane, or a tenant's queue, holds before publishing is refused and clients get 429. @default 10_000 */
  readonly maxLength?: number;
  /** Redeliveries before a job is dead-lettered. @default 3 */
  readonly deliveryLimit?: number;
}

/** Arguments of a lane's quorum queue, and of a tenant's: every declarer must pass the same ones. */
export function jobQueueArguments(
  names: Topology,
  { maxLength = 10_000, deliveryLimit = DEFAULT_DELIVERY_LIMIT }: JobQueueOptions = {},
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

/** Arguments of the queue in which notes about streams wait until they expire. */
export function streamNoteArguments(names: Topology) {
  return {
    "x-queue-type": "quorum",
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": names.streamNotes.due,
  };
}

/**
 * Arguments of a service's reply queue. It outlives a lost connection for a while, so that the events of that
 * while wait for the service to come back; it is durable, as later brokers want of a queue that is shared.
 */
export function serviceQueueArguments(keepMs: number) {
  return { "x-queue-type": "classic", "x-expires": keepMs };
}

/**
 * Arguments of the queues that hold dead and unroutable jobs, names of tenants' queues, and notes that are due. What is there
 * is looked at and put back any number of times: RabbitMQ 4 would drop a message after 20.
 */
export const holdingQueueArguments = {
  "x-queue-type": "quorum",
  "x-delivery-limit": 1_000_000_000,
} as const;
