import { setTimeout as delay } from "node:timers/promises";
import type { Channel } from "amqplib";
import { closeChannel } from "./close-channel.ts";
import type { BrokerProblem } from "./connect-broker.ts";

/** A channel that is opened again, with everything set up on it, whenever it or its connection is lost. */
export interface KeptChannel<Kind extends Channel = Channel> extends AsyncDisposable {
  /** The live channel; undefined while there is none. Ask again after every wait. */
  readonly current: Kind | undefined;
  /** The live channel, as soon as there is one. Rejects when this is disposed. */
  ready(): Promise<Kind>;
}

export interface KeepChannelOptions<Kind extends Channel> {
  /** Named in problems. */
  readonly name: string;
  /** Runs on every new channel before anybody gets it: declares, consumes. A throw is reported and tried again. */
  readonly setup?: (channel: Kind) => Promise<void>;
  /** Called when a channel that was set up is gone; its deliveries and confirms will never be answered. */
  readonly onLost?: (channel: Kind) => void;
}

export interface OpenedChannelOptions<Kind extends Channel> extends KeepChannelOptions<Kind> {
  readonly open: () => Promise<Kind>;
  readonly onProblem: (problem: BrokerProblem) => void;
  /** True once the connection was given up for good. */
  readonly isOver: () => boolean;
}

const RETRY_FIRST_MS = 50;
const RETRY_MOST_MS = 2_000;

export function keepChannel<Kind extends Channel>(
  options: OpenedChannelOptions<Kind>,
): KeptChannel<Kind> {
  const { name, setup, onLost, open, onProblem, isOver } = options;
  const stopped = new AbortController();
  const waiting = new Set<{ resolve: (channel: Kind) => void; reject: (error: Error) => void }>();
  let current: Kind | undefined;

  const isDone = () => stopped.signal.aborted || isOver();
  const running = run();

  async function run() {
    let retryMs = RETRY_FIRST_MS;
    while (!isDone()) {
      try {
        await live(await open(), () => {
          retryMs = RETRY_FIRST_MS;
        });
      } catch (cause) {
        if (isDone()) break;
        onProblem({
          where: name,
          error: cause instanceof Error ? cause : new Error(String(cause)),
        });
        await delay(retryMs, undefined, { signal: stopped.signal }).catch(() => {});
        retryMs = Math.min(retryMs * 2, RETRY_MOST_MS);
      }
    }
    for (const { reject } of waiting) reject(new Error(`${name}: closed`));
  }

  /** Returns when the channel is gone; throws where it could not be set up. */
  async function live(channel: Kind, onReady: () => void) {
    const lost = new Promise<void>((resolve) => {
      channel.once("close", () => resolve());
    });
    channel.on("error", (error) => onProblem({ where: name, error }));
    channel.on("handler-error", (error) => onProblem({ where: name, error }));
    if (!isDone()) {
      try {
        await setup?.(channel);
      } catch (error) {
        // Most failures have closed it already.
        await closeChannel(channel);
        throw error;
      }
      current = channel;
      onReady();
      for (const { resolve } of waiting) resolve(channel);
      waiting.clear();
    }
    if (isDone()) await closeChannel(channel);
    await lost;
    if (current === undefined) return;
    current = undefined;
    onLost?.(channel);
  }

  return {
    get current() {
      return current;
    },
    ready() {
      if (current !== undefined) return Promise.resolve(current);
      if (isDone()) return Promise.reject(new Error(`${name}: closed`));
      return new Promise((resolve, reject) => waiting.add({ resolve, reject }));
    },
    async [Symbol.asyncDispose]() {
      const channel = current;
      stopped.abort();
      if (channel === undefined) {
        for (const { reject } of waiting) reject(new Error(`${name}: closed`));
        return;
      }
      await closeChannel(channel);
      await running;
    },
  };
}
