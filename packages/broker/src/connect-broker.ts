import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "@rabbitloom/protocol";
import type { Channel, ConfirmChannel } from "amqplib";
import { channelPool } from "./channel-pool.ts";
import { type KeepChannelOptions, type KeptChannel, keepChannel } from "./kept-channel.ts";
import { openLink } from "./link.ts";

export interface BrokerOptions {
  /** `amqp://user:password@host:port/vhost`. */
  readonly url: string;
  /** Shown in the broker's list of connections. */
  readonly name: string;
  /**
   * How long the first connection may take before `connectBroker` throws BROKER_UNAVAILABLE. 0 returns at
   * once and goes on trying. @default 15_000
   */
  readonly waitMs?: number;
  /** Told about everything that went wrong and is being repaired: for the log. */
  readonly onProblem?: (problem: BrokerProblem) => void;
}

export interface BrokerProblem {
  /** What was being done: `connection`, `channel`, `publisher`, ... */
  readonly where: string;
  readonly error: Error;
}

/**
 * connecting: from the start, and after a loss; left when both connections stand.
 * ready:      everything works.
 * blocked:    the broker takes nothing from publishers (memory or disk alarm); left by its own word.
 * closed:     disposed; for good.
 */
export type BrokerState = "connecting" | "ready" | "blocked" | "closed";

/**
 * RabbitMQ as the rest of the project sees it: connections that come back by themselves. Publishers have
 * a connection of their own: a broker that blocks publishers then still takes acknowledgements.
 */
export interface Broker extends AsyncDisposable {
  readonly state: BrokerState;
  /** Why the broker takes no messages; only while blocked. */
  readonly blockedReason: string | undefined;
  readonly onProblem: (problem: BrokerProblem) => void;
  onStateChange(listener: (state: BrokerState) => void): Disposable;
  /** Resolves when the state is ready; rejects with BROKER_UNAVAILABLE after `timeoutMs`. */
  ready(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  /** A channel for consuming that is opened again whenever it is lost. */
  keepChannel(options: KeepChannelOptions<Channel>): KeptChannel<Channel>;
  /** The same with publisher confirms, on the connection of the publishers; not before a broker that was away has settled. */
  keepConfirmChannel(options: KeepChannelOptions<ConfirmChannel>): KeptChannel<ConfirmChannel>;
  /** Runs one or several operations on a channel of its own. Throws BROKER_UNAVAILABLE while not connected. */
  withChannel<Result>(use: (channel: Channel) => Promise<Result>): Promise<Result>;
  /** A channel that is the caller's: to close, and to do without once it is lost. */
  openChannel(): Promise<Channel>;
}

/** Connects to RabbitMQ and stays connected until disposed. */
export async function connectBroker(options: BrokerOptions): Promise<Broker> {
  const { url, name, waitMs = 15_000, onProblem = () => {} } = options;
  const listeners = new Set<(state: BrokerState) => void>();
  let announced: BrokerState = "connecting";
  let isClosed = false;
  let lastError: Error | undefined;

  const report = (problem: BrokerProblem) => {
    lastError = problem.error;
    onProblem(problem);
  };
  const consuming = openLink({ url, name, onChange, onProblem: report });
  const publishing = openLink({ url, name: `${name} (publisher)`, onChange, onProblem: report });
  const pool = channelPool(consuming);

  function state(): BrokerState {
    if (isClosed) return "closed";
    if (!consuming.isConnected || !publishing.isConnected) return "connecting";
    return publishing.blockedReason === undefined ? "ready" : "blocked";
  }

  function onChange() {
    const now = state();
    if (now === announced) return;
    announced = now;
    for (const listener of listeners) listener(now);
  }

  function ready({
    timeoutMs = 15_000,
    signal,
  }: {
    readonly timeoutMs?: number;
    readonly signal?: AbortSignal;
  } = {}): Promise<void> {
    if (announced === "ready") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        listeners.delete(onState);
        settle();
      };
      const onState = (now: BrokerState) => {
        if (now === "ready") finish(resolve);
        if (now === "closed") finish(() => reject(unavailable("connection closed", lastError)));
      };
      const onAbort = () => finish(() => reject(signal?.reason));
      const timer = setTimeout(
        () => finish(() => reject(unavailable(`not ready within ${timeoutMs} ms`, lastError))),
        timeoutMs,
      );
      listeners.add(onState);
      if (signal?.aborted) onAbort();
      else signal?.addEventListener("abort", onAbort);
      if (isClosed) onState("closed");
    });
  }

  const shared = { onProblem: report, isOver: () => isClosed };
  const broker: Broker = {
    get state() {
      return state();
    },
    get blockedReason() {
      return publishing.blockedReason;
    },
    onProblem: report,
    onStateChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    ready,
    keepChannel: (channelOptions) =>
      keepChannel({ ...channelOptions, open: () => consuming.channel(), ...shared }),
    keepConfirmChannel: ({ setup, ...channelOptions }) =>
      keepChannel({
        ...channelOptions,
        setup: async (channel) => {
          if (publishing.settlesInMs > 0) await delay(publishing.settlesInMs);
          await setup?.(channel);
        },
        open: () => publishing.confirmChannel(),
        ...shared,
      }),
    async withChannel(use) {
      if (!consuming.isConnected) throw unavailable("not connected", lastError);
      return pool.use(use);
    },
    async openChannel() {
      if (!consuming.isConnected) throw unavailable("not connected", lastError);
      return consuming.channel();
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      onChange();
      await Promise.all([consuming.close(), publishing.close()]);
    },
  };

  if (waitMs > 0) {
    try {
      await ready({ timeoutMs: waitMs });
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw error;
    }
  }
  return broker;
}

function unavailable(what: string, cause: Error | undefined): CodedError {
  const because = cause === undefined ? "" : `: ${cause.message}`;
  return new CodedError("BROKER_UNAVAILABLE", `RabbitMQ: ${what}${because}`, { cause });
}
