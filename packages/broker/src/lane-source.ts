import { setTimeout as delay } from "node:timers/promises";
import type { Channel } from "amqplib";
import type { Broker } from "./connect-broker.ts";
import { type OpenDelivery, openDelivery } from "./delivery.ts";
import { type LaneWatch, SHORT_MS, watchLanes } from "./lane-watch.ts";

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
 * a job reaches an idle worker in one trip. A prefetch over several queues would hoard a job of each lane behind a
 * long job, so consuming goes on through short jobs only: one at a time, that halved the broker's time a job.
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
  let watch: LaneWatch | undefined;
  /** The job that was got last, until the next is asked for. */
  let got: { readonly queue: string; readonly at: number } | undefined;

  async function next(signal: AbortSignal): Promise<OpenDelivery> {
    for (;;) {
      const channel = await aborting(kept.ready(), signal);
      try {
        if (got !== undefined && performance.now() - got.at < SHORT_MS) {
          watch = watchUpTo(channel, got.queue);
        }
        got = undefined;
        let delivery = await watch?.next(signal);
        watch = delivery && watch;
        delivery ??= await pull(channel, signal);
        if (delivery !== undefined) return delivery;
        // It may have aborted while the last lane was looked at.
        signal.throwIfAborted();
        watch = watchLanes(channel, { queues, isComplete: true });
      } catch {
        signal.throwIfAborted();
        // The channel was lost: the broker has taken everything back, and the next one will bring it again.
        await delay(RETRY_MS, undefined, { signal });
      }
    }
  }

  /** Less urgent lanes are left out: a job of theirs would wait here while more urgent ones are run. */
  function watchUpTo(channel: Channel, queue: string): LaneWatch {
    const watched = queues.slice(0, queues.indexOf(queue) + 1);
    return watchLanes(channel, { queues: watched, isComplete: watched.length === queues.length });
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
        got = { queue, at: performance.now() };
        return openDelivery(channel, queue, message);
      }
      emptyAt.set(queue, performance.now());
    }
    return undefined;
  }

  return { next, [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose]() };
}

function aborting<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
