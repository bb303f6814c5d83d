import { type Broker, delivery, getMessage, type Publisher } from "@rabbitloom/broker";
import type { Senders, Topology } from "@rabbitloom/protocol";
import type { Logger } from "pino";
import { copyOf } from "./copy-of.ts";

export interface UnroutableOptions {
  readonly broker: Broker;
  readonly publisher: Publisher;
  readonly names: Topology;
  readonly log: Logger;
  readonly senders?: Senders | undefined;
}

/**
 * Sends jobs that no queue took once more: the first worker of a pool has just declared its queues. Jobs of pools
 * that nobody serves yet come back to where they were.
 */
export async function sendUnroutableAgain(options: UnroutableOptions): Promise<void> {
  const { broker, publisher, names, log, senders } = options;
  const { queue } = names.unroutable;
  await broker.withChannel(async (channel) => {
    const { messageCount } = await channel.checkQueue(queue);
    for (let index = 0; index < messageCount; index++) {
      const message = await getMessage(channel, queue);
      if (message === false) return;
      const unroutable = delivery(message);
      await publisher.publish({
        ...copyOf(unroutable, { headers: unroutable.headers, senders }),
        exchange: names.jobs.exchange,
        routingKey: unroutable.routingKey,
      });
      channel.ack(message);
    }
    if (messageCount > 0) log.info({ messageCount }, "sent unroutable jobs again");
  });
}
