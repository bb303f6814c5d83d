import type { Channel } from "amqplib";
import type { Broker } from "./connect-broker.ts";
import { type Delivery, delivery } from "./delivery.ts";

export interface SubscribeOptions {
  readonly exchange: string;
  /** @default [""], what a fanout exchange wants */
  readonly keys?: readonly string[];
  /** Name of the exclusive queue; the broker makes one up where it is left out. */
  readonly queue?: string;
  /** A throw is reported, never passed on. Messages come in order and are not acknowledged. */
  readonly onMessage: (delivery: Delivery) => void;
  /** Messages may have been missed: called after every time but the first that the subscription stands. */
  readonly onResubscribed?: () => void;
}

/**
 * Listens to an exchange through a queue that lives as long as the connection, declared again after
 * every reconnect. What was published in between is lost.
 */
export async function subscribe(
  broker: Broker,
  { exchange, keys = [""], queue = "", onMessage, onResubscribed }: SubscribeOptions,
): Promise<AsyncDisposable> {
  const where = `subscription to ${exchange}`;
  let isFirst = true;

  const report = (error: unknown) =>
    broker.onProblem({ where, error: error instanceof Error ? error : new Error(String(error)) });

  const kept = broker.keepChannel({
    name: where,
    setup: async (channel) => {
      const declared = await channel.assertQueue(queue, {
        exclusive: true,
        durable: false,
        arguments: { "x-queue-type": "classic" },
      });
      for (const key of keys) await channel.bindQueue(declared.queue, exchange, key);
      await channel.consume(declared.queue, (message) => onDelivery(channel, message), {
        noAck: true,
      });
      if (!isFirst) onResubscribed?.();
      isFirst = false;
    },
  });

  function onDelivery(channel: Channel, message: Parameters<typeof delivery>[0] | null) {
    if (message === null) {
      void channel.close().catch(report);
      return;
    }
    try {
      onMessage(delivery(message));
    } catch (error) {
      report(error);
    }
  }

  await kept.ready();
  return kept;
}
