import { type Broker, delivery, type Publisher } from "@rabbitloom/broker";
import type { Topology } from "@rabbitloom/protocol";
import type { Logger } from "pino";

export interface UnroutableOptions {
  readonly broker: Broker;
  readonly publisher: Publisher;
  readonly names: Topology;
  readonly log: Logger;
}

/**
 * Sends jobs that no queue took once more: the first worker of a pool has just declared its queues. Jobs of pools
 * that nobody serves yet come back to where they were.
 */
export async function sendUnroutableAgain(options: UnroutableOptions): Promise<void> {
  const { broker, publisher, names, log } = options;
  const { queue } = names.unroutable;
  await broker.withChannel(async (channel) => {
    const { messageCount } = await channel.checkQueue(queue);
    for (let index = 0; index < messageCount; index++) {
      const message = await channel.get(queue);
      if (message === false) return;
      const { routingKey, body, headers, messageId, correlationId, replyTo, contentType, type } =
        delivery(message);
      await publisher.publish({
        exchange: names.jobs.exchange,
        routingKey,
        body,
        headers,
        persistent: true,
        ...(messageId !== undefined && { messageId }),
        ...(correlationId !== undefined && { correlationId }),
        ...(replyTo !== undefined && { replyTo }),
        ...(contentType !== undefined && { contentType }),
        ...(type !== undefined && { type }),
      });
      channel.ack(message);
    }
    if (messageCount > 0) log.info({ messageCount }, "sent unroutable jobs again");
  });
}
