import { type Channel, type ConfirmChannel, connect, type RecoveringChannelModel } from "amqplib";
import type { BrokerProblem } from "./connect-broker.ts";

/** One TCP connection that amqplib opens again whenever it is lost. */
export interface Link {
  readonly isConnected: boolean;
  readonly blockedReason: string | undefined;
  /** Milliseconds until a broker that has been away is sure to have its streams back; 0 where it was not. */
  readonly settlesInMs: number;
  /** Both wait for a connection. */
  channel(): Promise<Channel>;
  confirmChannel(): Promise<ConfirmChannel>;
  close(): Promise<void>;
}

export interface LinkOptions {
  readonly url: string;
  readonly name: string;
  readonly onChange: () => void;
  readonly onProblem: (problem: BrokerProblem) => void;
}

/** Seconds; twice this without a byte is a lost connection. */
const HEARTBEAT_SECONDS = 10;

/** A broker that restarts takes 4 to 6 s: a second at most is lost by waiting too long. */
const RECOVERY = { initialDelay: 50, maxDelay: 1_000, factor: 2, jitter: 0.2 };

/**
 * RabbitMQ 3.10 takes connections before its streams are back (0.3 s before, seen with 90 streams): what is published to them
 * in between is confirmed, and lost.
 */
const SETTLE_MS = 1_500;

export function openLink({ url, name, onChange, onProblem }: LinkOptions): Link {
  let isConnected = false;
  let blockedReason: string | undefined;
  let wasConnected = false;
  let wasAway = false;
  let settledAtMs = 0;
  const problem = (error: Error) => onProblem({ where: "connection", error });

  const opening = connect(withHeartbeat(url), {
    // Without it a confirm takes 47 ms: Nagle's algorithm against delayed acknowledgements.
    noDelay: true,
    keepAlive: true,
    timeout: 10_000,
    clientProperties: { connection_name: name },
    recovery: { ...RECOVERY, waitForConnect: false },
  }).then((model) => watch(model));

  function watch(model: RecoveringChannelModel): RecoveringChannelModel {
    model.on("connect", () => {
      isConnected = true;
      blockedReason = undefined;
      if (wasConnected && wasAway) settledAtMs = performance.now() + SETTLE_MS;
      wasConnected = true;
      wasAway = false;
      onChange();
    });
    model.on("disconnect", (error) => {
      isConnected = false;
      blockedReason = undefined;
      problem(error);
      onChange();
    });
    model.on("blocked", (reason) => {
      blockedReason = reason;
      onChange();
    });
    model.on("unblocked", () => {
      blockedReason = undefined;
      onChange();
    });
    model.on("connect-failed", (error) => {
      wasAway = true;
      problem(error);
    });
    // The loss itself arrives as "disconnect"; without a listener an "error" would end the process.
    model.on("error", () => {});
    // A listener that throws would make amqplib reconnect for ever.
    model.on("handler-error", (error: Error) => onProblem({ where: "listener", error }));
    return model;
  }

  return {
    get isConnected() {
      return isConnected;
    },
    get blockedReason() {
      return blockedReason;
    },
    get settlesInMs() {
      return Math.max(0, settledAtMs - performance.now());
    },
    channel: async () => (await opening).createChannel(),
    confirmChannel: async () => (await opening).createConfirmChannel(),
    async close() {
      isConnected = false;
      await (await opening).close();
    },
  };
}

function withHeartbeat(url: string): string {
  const address = new URL(url);
  if (!address.searchParams.has("heartbeat")) {
    address.searchParams.set("heartbeat", String(HEARTBEAT_SECONDS));
  }
  return address.href;
}
