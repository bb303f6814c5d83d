import { setTimeout as delay } from "node:timers/promises";
import type { Channel, ConsumeMessage } from "amqplib";
import type { Broker } from "./connect-broker.ts";
import { type OpenDelivery, openDelivery } from "./delivery.ts";

/** One slot's way to jobs: at most one at a time, the most urgent lane first. */
export interface LaneSource extends AsyncDisposable {
  /**
   * The next job, whenever it comes. Call again only when the slot is free again. Rejects with the signal's reason;
   * no delivery is lost then.
   */
  next(signal: AbortSignal): Promise<OpenDelivery>;
}

export interface LaneSourceOptions {
  /** The most urgent one first. */
  readonly queues: readonly string[];
  readonly name: string;
  /** Declares the queues; runs again after every reconnect. */
  readonly setup?: () => Promise<void>;
}

/**
 * How long a lane that was empty is passed over while others have jobs. A look costs about 0.6 ms, as much as
 * taking a job: with jobs of a few milliseconds most looks would find nothing. An urgent job waits this much longer at most.
 */
const EMPTY_FOR_MS = 20;

/** Before a channel is used again on which something went wrong. */
const RETRY_MS = 100;

/**
 * Looks at the lanes one by one with basic.get; when all are empty it consumes all of them at once, so that
 * a job reaches an idle worker in one trip, and stops consuming on the first delivery. A prefetch over several
 * queues would hoard a job of each lane.
 */
export function openLaneSource(
  broker: Broker,
  { queues, name, setup }: LaneSourceOptions,
): LaneSource {
  const kept = broker.keepChannel({
    name,
    setup: async (channel) => {
      await setup?.();
      await channel.prefetch(1);
    },
  });

  const emptyAt = new Map<string, number>();

  async function next(signal: AbortSignal): Promise<OpenDelivery> {
    for (;;) {
      const channel = await aborting(kept.ready(), signal);
      try {
        const delivery = (await pull(channel, signal)) ?? (await wait(channel, signal));
        if (delivery !== undefined) return delivery;
      } catch {
        signal.throwIfAborted();
        // The channel was lost: the broker has taken everything back, and the next one will bring it again.
        await delay(RETRY_MS, undefined, { signal });
      }
    }
  }

  async function pull(channel: Channel, signal: AbortSignal): Promise<OpenDelivery | undefined> {
    const now = performance.now();
    const isRested = (queue: string) => now - (emptyAt.get(queue) ?? -Infinity) >= EMPTY_FOR_MS;
    const inOrder = queues.filter(isRested);
    const passedOver = queues.filter((queue) => !isRested(queue));
    for (const queue of [...inOrder, ...passedOver]) {
      signal.throwIfAborted();
      const message = await channel.get(queue);
      if (message !== false) {
        emptyAt.delete(queue);
        return openDelivery(channel, queue, message);
      }
      emptyAt.set(queue, performance.now());
    }
    return undefined;
  }

  return { next, [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose]() };

  /** Undefined where the channel or a queue went away meanwhile. */
  async function wait(channel: Channel, signal: AbortSignal): Promise<OpenDelivery | undefined> {
    // It may have aborted while the last lane was looked at; then nothing would wake this up.
    signal.throwIfAborted();
    const consumers: string[] = [];
    let taken: OpenDelivery | undefined;
    let isOver = false;
    let wake = () => {};
    const first = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const onMessage = (queue: string, message: ConsumeMessage | null) => {
      if (message === null) wake();
      else if (taken !== undefined || isOver) channel.nack(message, false, true);
      else {
        taken = openDelivery(channel, queue, message);
        wake();
      }
    };
    channel.once("close", wake);
    signal.addEventListener("abort", wake);
    try {
      for (const queue of queues) {
        if (taken !== undefined || signal.aborted) break;
        const { consumerTag } = await channel.consume(queue, (message) =>
          onMessage(queue, message),
        );
        consumers.push(consumerTag);
      }
      await first;
    } finally {
      isOver = true;
      channel.off("close", wake);
      signal.removeEventListener("abort", wake);
    }
    const cancelled = Promise.all(consumers.map((tag) => channel.cancel(tag)));
    if (taken !== undefined) {
      // Nobody waits for this: what is asked next on the channel comes after it anyway.
      cancelled.catch(() => {});
      return taken;
    }
    await cancelled;
    signal.throwIfAborted();
    return undefined;
  }
}

function aborting<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
