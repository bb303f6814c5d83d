import { setTimeout as delay } from "node:timers/promises";
import type { Channel } from "amqplib";
import type { Broker } from "./connect-broker.ts";
import { type OpenDelivery, openDelivery } from "./delivery.ts";
import { getMessage } from "./get-message.ts";
import { EMPTY_FOR_MS, type LaneWatch, SHORT_MS, watchLanes } from "./lane-watch.ts";
import { type TurnDelivery, type Turns, turnTaker } from "./turns.ts";

/** One slot's way to jobs: at most one at a time, the most urgent lane first. */
export interface LaneSource extends AsyncDisposable {
  /**
   * The next job, whenever it comes. Call again only when the slot is free again. Rejects with the signal's reason;
   * no delivery is lost then.
   */
  next(signal: AbortSignal): Promise<TurnDelivery>;
}

export interface LaneSourceOptions {
  /** The most urgent one first. */
  readonly queues: readonly string[];
  readonly name: string;
  /** Declares the queues; runs again after every reconnect. */
  readonly setup?: () => Promise<void>;
  /** Where tenants may have queues of their own. @default the lanes are all there is */
  readonly turns?: Turns;
}

/** Before a channel is used again on which something went wrong. */
const RETRY_MS = 100;

/**
 * Looks at the lanes one by one with basic.get; when all are empty it consumes all of them at once, so that
 * a job reaches an idle worker in one trip. A prefetch over several queues would hoard a job of each lane behind a
 * long job, so consuming goes on through short jobs only: one at a time, that halved the broker's time a job.
 * While tenants have queues of their own, every job is taken by its turn, and lanes are consumed by idle slots only.
 */
export function openLaneSource(
  broker: Broker,
  { queues, name, setup, turns }: LaneSourceOptions,
): LaneSource {
  const taker = turns && turnTaker(broker, turns);
  const kept = broker.keepChannel({
    name,
    setup: async (channel) => {
      await setup?.();
      await channel.prefetch(1);
      taker?.wake();
    },
  });
  const emptyAt = new Map<string, number>();
  let watch: LaneWatch | undefined;
  /** The job that was got last, until the next is asked for. */
  let got: { readonly queue: string; readonly at: number } | undefined;
  const waking = turns?.onWake(() => {
    taker?.wake();
    watch?.leave();
  });

  async function next(signal: AbortSignal): Promise<TurnDelivery> {
    if (taker?.isOn) watch?.leave();
    for (;;) {
      const channel = await aborting(kept.ready(), signal);
      try {
        if (taker?.isOn) got = undefined;
        if (got !== undefined && performance.now() - got.at < SHORT_MS) {
          watch = watchUpTo(channel, got.queue);
        }
        got = undefined;
        let delivery: TurnDelivery | undefined = await watch?.next(signal);
        watch = delivery && watch;
        if (taker?.isOn) delivery ??= await taker.pull(signal);
        if (!taker?.isOn) delivery ??= await pull(channel, signal);
        if (delivery !== undefined) return delivery;
        // It may have aborted while the last lane was looked at.
        signal.throwIfAborted();
        if (!taker?.isWoken) watch = watchLanes(channel, { queues, isComplete: true });
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
      const message = await getMessage(channel, queue);
      if (message !== false) {
        emptyAt.delete(queue);
        got = { queue, at: performance.now() };
        return openDelivery(channel, queue, message);
      }
      emptyAt.set(queue, performance.now());
    }
    return undefined;
  }

  return {
    next,
    async [Symbol.asyncDispose]() {
      waking?.[Symbol.dispose]();
      await taker?.close();
      await kept[Symbol.asyncDispose]();
    },
  };
}

function aborting<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
