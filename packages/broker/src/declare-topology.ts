import {
  DEFAULT_POOL,
  holdingQueueArguments,
  type JobQueueOptions,
  jobQueueArguments,
  lanes,
  streamNoteArguments,
  type Topology,
} from "@rabbitloom/protocol";
import type { Channel } from "amqplib";
import type { Broker } from "./connect-broker.ts";

export interface TopologyDeclaration extends JobQueueOptions {
  /** Pools whose lane queues are declared. @default the default pool */
  readonly pools?: readonly string[];
}

/**
 * Declares every exchange and queue that is there for good. Doing it again changes nothing; a lane that
 * exists with other limits is refused by the broker, and the error says so.
 */
export async function declareTopology(
  broker: Broker,
  names: Topology,
  { pools = [DEFAULT_POOL], ...limits }: TopologyDeclaration = {},
): Promise<void> {
  await broker.withChannel(async (channel) => {
    await declareExchanges(channel, names);
    await declareHoldingQueues(channel, names);
    for (const pool of pools) await declareLanes(channel, names, { pool, limits });
  });
}

async function declareExchanges(channel: Channel, names: Topology): Promise<void> {
  await channel.assertExchange(names.unroutable.exchange, "fanout", { durable: true });
  await channel.assertExchange(names.dead.exchange, "fanout", { durable: true });
  await channel.assertExchange(names.jobs.exchange, "topic", {
    durable: true,
    alternateExchange: names.unroutable.exchange,
  });
  await channel.assertExchange(names.control.exchange, "fanout", { durable: true });
  await channel.assertExchange(names.events.exchange, "topic", { durable: true });
}

async function declareHoldingQueues(channel: Channel, names: Topology): Promise<void> {
  for (const { exchange, queue } of [
    names.unroutable,
    names.dead,
    { exchange: names.dead.exchange, queue: names.dead.watchQueue },
  ]) {
    await channel.assertQueue(queue, { durable: true, arguments: holdingQueueArguments });
    await channel.bindQueue(queue, exchange, "");
  }
  const { waiting, due } = names.streamNotes;
  await channel.assertQueue(due, { durable: true, arguments: holdingQueueArguments });
  await channel.assertQueue(waiting, { durable: true, arguments: streamNoteArguments(names) });
}

async function declareLanes(
  channel: Channel,
  names: Topology,
  { pool, limits }: { readonly pool: string; readonly limits: JobQueueOptions },
): Promise<void> {
  for (const lane of lanes) {
    const queue = names.jobs.queue(lane, pool);
    await channel.assertQueue(queue, {
      durable: true,
      arguments: jobQueueArguments(names, limits),
    });
    await channel.bindQueue(queue, names.jobs.exchange, names.jobs.key(lane, pool));
  }
}
