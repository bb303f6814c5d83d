import type { Channel } from "amqplib";
import type { Broker } from "./connect-broker.ts";
import { type OpenDelivery, openDelivery } from "./delivery.ts";
import { retryAfter, type Settlement } from "./settlement.ts";

export interface ConsumeOptions {
  readonly queue: string;
  /** Deliveries that may be open at once. */
  readonly prefetch: number;
  /** A throw is reported and means: again after `retryMs`. */
  readonly handle: (delivery: OpenDelivery) => Promise<Settlement>;
  /** @default 1_000 */
  readonly retryMs?: number;
  /** Declares what it needs; runs again after every reconnect. */
  readonly setup?: (channel: Channel) => Promise<void>;
}

/** Consumes a queue, over reconnects and through cancellations by the broker, until disposed. */
export async function consume(broker: Broker, options: ConsumeOptions): Promise<AsyncDisposable> {
  const { queue, prefetch, handle, retryMs = 1_000, setup } = options;

  const kept = broker.keepChannel({
    name: `consumer of ${queue}`,
    setup: async (channel) => {
      await setup?.(channel);
      await channel.prefetch(prefetch);
      await channel.consume(queue, (message) => {
        if (message === null) {
          // The queue was deleted or moved: a new channel declares and consumes it again.
          void channel.close().catch(() => {});
          return;
        }
        void take(openDelivery(channel, queue, message));
      });
    },
  });

  async function take(delivery: OpenDelivery) {
    try {
      delivery.settle(await handle(delivery));
    } catch (error) {
      broker.onProblem({
        where: `consumer of ${queue}`,
        error: error instanceof Error ? error : new Error(String(error)),
      });
      delivery.settle(retryAfter(retryMs));
    }
  }

  await kept.ready();
  return kept;
}
