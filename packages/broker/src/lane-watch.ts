import type { Channel, ConsumeMessage } from "amqplib";
import { type OpenDelivery, openDelivery } from "./delivery.ts";
import { retryAfter } from "./settlement.ts";

/**
 * Consumers on some lanes, one delivery each at most.
 *
 * open:   from the start. While a job runs, for SHORT_MS only: a short one is followed by the next without another
 *         word to the broker, and nothing waits here behind a long one.
 * closed: the consumers are cancelled, and what came in between is handed back; for good.
 */
export interface LaneWatch {
  /**
   * The next job. Undefined where the watch has closed, or cannot go on: it does not see all lanes, or what it
   * gave out last is not acknowledged. Rejects with the signal's reason, with the consumers gone.
   */
  next(signal: AbortSignal): Promise<OpenDelivery | undefined>;
  /** There is something else to do: `next` answers what has come by now, if anything, and the watch closes. */
  leave(): void;
}

export interface LaneWatchOptions {
  /** The most urgent one first. */
  readonly queues: readonly string[];
  /** There are no other lanes, so that waiting is all there is to do. */
  readonly isComplete: boolean;
}

/**
 * How long a lane that was empty is passed over while others have jobs. A look costs about 0.6 ms, as much as
 * taking a job: with jobs of a few milliseconds most looks would find nothing. An urgent job waits this much longer at most.
 */
export const EMPTY_FOR_MS = 20;

/** A job that takes no longer is followed by the next at once. An urgent one waits this much longer at most. */
export const SHORT_MS = 20;

/** For the lane of the last job to bring another; a guess, some times a trip to the broker and back. */
const PATIENCE_MS = 5;

/** The channel needs a prefetch of 1. */
export function watchLanes(channel: Channel, options: LaneWatchOptions): LaneWatch {
  const { queues, isComplete } = options;
  const arrived = new Map<string, OpenDelivery>();
  let lastRank = Number.POSITIVE_INFINITY;
  let isAcknowledged = true;
  let closing: Promise<unknown> | undefined;
  let hasToLeave = false;
  /** What comes while the consumers are cancelled is still wanted. */
  let isLeaving = false;
  let leash: NodeJS.Timeout | undefined;
  let wake = () => {};

  const close = () => {
    closing ??= end();
    return closing;
  };
  channel.once("close", close);
  const consumers = queues.map((queue) =>
    channel.consume(queue, (message) => onMessage(queue, message)),
  );
  for (const consumer of consumers) consumer.catch(close);

  function onMessage(queue: string, message: ConsumeMessage | null) {
    if (message === null) return void close(); // the queue was deleted or moved
    const delivery = openDelivery(channel, queue, message);
    if (closing !== undefined && !isLeaving) return void delivery.settle(retryAfter(0));
    arrived.set(queue, delivery);
    wake();
  }

  function end() {
    clearTimeout(leash);
    channel.off("close", close);
    handBack();
    wake();
    const cancelled = consumers.map(async (consumer) =>
      channel.cancel((await consumer).consumerTag),
    );
    return Promise.allSettled(cancelled);
  }

  function handBack() {
    for (const delivery of arrived.values()) delivery.settle(retryAfter(0));
    arrived.clear();
  }

  function mostUrgent(): OpenDelivery | undefined {
    for (const queue of queues) {
      const delivery = arrived.get(queue);
      if (delivery !== undefined) return delivery;
    }
    return undefined;
  }

  function take(delivery: OpenDelivery): OpenDelivery {
    arrived.delete(delivery.queue);
    lastRank = queues.indexOf(delivery.queue);
    isAcknowledged = false;
    // Two came at once: the other one is somebody else's.
    if (arrived.size > 0) void close();
    else leash = setTimeout(close, SHORT_MS);
    return {
      ...delivery,
      settle(settlement) {
        isAcknowledged = settlement.type === "ack";
        return delivery.settle(settlement);
      },
    };
  }

  return {
    async next(signal) {
      clearTimeout(leash);
      let isPatient = true;
      const patience = setTimeout(() => {
        isPatient = false;
        wake();
      }, PATIENCE_MS);
      const onAbort = () => wake();
      signal.addEventListener("abort", onAbort);
      try {
        while (closing === undefined && !hasToLeave && !signal.aborted) {
          const delivery = mostUrgent();
          if (delivery !== undefined) {
            if (!isPatient || queues.indexOf(delivery.queue) <= lastRank) return take(delivery);
          } else if (!isPatient && !(isComplete && isAcknowledged)) break;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        clearTimeout(patience);
        signal.removeEventListener("abort", onAbort);
      }
      isLeaving = !signal.aborted;
      await close();
      isLeaving = false;
      const late = mostUrgent();
      if (late !== undefined && !signal.aborted) arrived.delete(late.queue);
      handBack();
      signal.throwIfAborted();
      return late;
    },
    leave() {
      hasToLeave = true;
      wake();
    },
  };
}
