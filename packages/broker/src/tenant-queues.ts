import { randomUUID } from "node:crypto";
import {
  holdingQueueArguments,
  type JobQueueOptions,
  jobQueueArguments,
  type TenantPlace,
  type Topology,
  tenantPlaceSchema,
} from "@rabbitloom/protocol";
import type { Channel } from "amqplib";
import { closeChannel } from "./close-channel.ts";
import type { Broker } from "./connect-broker.ts";
import { getMessage } from "./get-message.ts";
import type { Publisher } from "./publisher.ts";

/**
 * The queues of tenants that have some for themselves. Whoever opens one writes its name down on the broker first: what
 * waits there is found again after every other memory of it is gone.
 */
export interface TenantQueues {
  /** Doing it again changes nothing. */
  open(place: TenantPlace): Promise<void>;
  /** All that were opened and not removed. Two that ask at once see a part each: callers take turns. */
  list(): Promise<TenantPlace[]>;
  /** Messages that wait there; undefined where there is no such queue. */
  ready(place: TenantPlace): Promise<number | undefined>;
  /**
   * Deletes the queue with whatever is in it, where `isStillClosed` says so in the moment before: quorum queues refuse "if
   * empty". Answers whether it did. The caller of `list` alone may do so.
   */
  remove(place: TenantPlace, isStillClosed: () => Promise<boolean>): Promise<boolean>;
}

export interface TenantQueuesOptions {
  readonly broker: Broker;
  readonly publisher: Publisher;
  readonly names: Topology;
  readonly limits: JobQueueOptions;
}

export function tenantQueues({
  broker,
  publisher,
  names,
  limits,
}: TenantQueuesOptions): TenantQueues {
  const queueOf = ({ lane, pool, tenant }: TenantPlace) => names.jobs.queue(lane, pool, tenant);

  return {
    async open(place) {
      const { lane, pool, tenant } = place;
      await broker.withChannel((channel) =>
        channel.assertQueue(names.tenantQueues, {
          durable: true,
          arguments: holdingQueueArguments,
        }),
      );
      await publisher.publish({
        exchange: "",
        routingKey: names.tenantQueues,
        contentType: "application/json",
        type: "tenant-queue",
        messageId: randomUUID(),
        body: Buffer.from(JSON.stringify(place)),
        persistent: true,
        mandatory: true,
      });
      await broker.withChannel(async (channel) => {
        const queue = queueOf(place);
        await channel.assertQueue(queue, {
          durable: true,
          arguments: jobQueueArguments(names, limits),
        });
        await channel.bindQueue(queue, names.jobs.exchange, names.jobs.key(lane, pool, tenant));
      });
    },

    async list() {
      if ((await readyMessages(broker, names.tenantQueues)) === undefined) return [];
      const places = new Map<string, TenantPlace>();
      await readNames(broker, names, (place) => {
        const isKnown = places.has(queueOf(place));
        places.set(queueOf(place), place);
        return isKnown ? "drop" : "keep";
      });
      return [...places.values()];
    },

    ready: (place) => readyMessages(broker, queueOf(place)),

    async remove(place, isStillClosed) {
      const isRemoved = await broker.withChannel(async (channel) => {
        if (!(await isStillClosed())) return false;
        await channel.deleteQueue(queueOf(place));
        return true;
      });
      if (!isRemoved) return false;
      await readNames(broker, names, (other) =>
        queueOf(other) === queueOf(place) ? "drop" : "keep",
      );
      return true;
    },
  };
}

/** Shows every name that is written down; what is to be kept is put back. */
async function readNames(
  broker: Broker,
  names: Topology,
  look: (place: TenantPlace) => "keep" | "drop",
): Promise<void> {
  const channel = await broker.openChannel();
  channel.on("error", () => {}); // the operation itself rejects with it
  try {
    for (;;) {
      const message = await getMessage(channel, names.tenantQueues);
      if (message === false) return;
      const place = tenantPlaceSchema.parse(JSON.parse(message.content.toString("utf8")));
      if (look(place) === "drop") channel.ack(message);
    }
  } finally {
    // Closing gives back, in their old order, what was not acknowledged.
    await closeChannel(channel);
  }
}

/** Messages that wait in a queue, not those that somebody holds. Undefined where there is no such queue. */
export async function readyMessages(broker: Broker, queue: string): Promise<number | undefined> {
  try {
    return await broker.withChannel(async (channel: Channel) => {
      const { messageCount } = await channel.checkQueue(queue);
      return messageCount;
    });
  } catch (error) {
    if (error instanceof Error && error.message.includes("NOT_FOUND")) return undefined;
    throw error;
  }
}
