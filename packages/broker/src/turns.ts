import type { Channel, GetMessage } from "amqplib";
import { closeChannel } from "./close-channel.ts";
import type { Broker } from "./connect-broker.ts";
import { type OpenDelivery, openDelivery } from "./delivery.ts";
import { getMessage } from "./get-message.ts";
import { EMPTY_FOR_MS } from "./lane-watch.ts";

/** Whose turn it is, where tenants have queues of their own beside the lanes. */
export interface Turns {
  /**
   * The next tenant in turn whose queues may hold something, without the ones that are passed over. Undefined where
   * nobody is left; "off" where no tenant has a queue of its own, so that the lanes are all there is.
   */
  take(passedOver: readonly string[]): Promise<Turn | "off" | undefined>;
  /** Calls back when jobs may have come. */
  onWake(listener: () => void): Disposable;
}

/** A right to one job, until the job is claimed or the turn is given back. */
export interface Turn {
  /** Empty: the turn is the lanes', which are for whoever has no queue of its own. */
  readonly tenant: string;
  /** What whoever gave it knows it by: the claim of the job takes both. */
  readonly token: string;
  readonly before: string;
  /** The most urgent one first. */
  readonly queues: readonly string[];
  /** It was not used; `isEmpty`: none of the queues had anything. Never throws. */
  giveBack(isEmpty: boolean): Promise<void>;
  /** This queue does not answer; the turn is given back. Never throws. */
  tellMute(queue: string): Promise<void>;
}

/** A delivery, and the turn that it came by. */
export interface TurnDelivery extends OpenDelivery {
  readonly turn?: Turn;
}

/**
 * A queue that was declared some seconds before the broker was killed may be there afterwards and answer nothing, for ever
 * (seen on RabbitMQ 3.10).
 */
const MUTE_MS = 5_000;

/** Takes jobs by turns, one at a time, on a channel of its own: one that waits for a mute queue is left behind. */
export function turnTaker(broker: Broker, turns: Turns) {
  let current: Channel | undefined;
  let isOn = true;
  let isWoken = false;
  let lanesEmptyAt = Number.NEGATIVE_INFINITY;

  return {
    /** Deliveries that are not settled go back to the broker. */
    async close() {
      if (current !== undefined) await closeChannel(current);
    },
    /** False: no tenant has a queue of its own. */
    get isOn() {
      return isOn;
    },
    /** Jobs may have come since the last pull began. */
    get isWoken() {
      return isWoken;
    },
    wake() {
      isOn = true;
      isWoken = true;
    },
    async pull(signal: AbortSignal): Promise<TurnDelivery | undefined> {
      isWoken = false;
      const areLanesRested = performance.now() - lanesEmptyAt >= EMPTY_FOR_MS;
      const passedOver = areLanesRested ? [] : [""];
      while (!signal.aborted) {
        const turn = await turns.take(passedOver);
        if (turn === "off") isOn = isWoken;
        if (turn === "off" || turn === undefined) return undefined;
        const delivery = await use(turn);
        if (delivery !== undefined) return delivery;
        passedOver.push(turn.tenant);
        if (turn.tenant === "") lanesEmptyAt = performance.now();
      }
      return undefined;
    },
  };

  async function use(turn: Turn): Promise<TurnDelivery | undefined> {
    try {
      for (const queue of turn.queues) {
        const channel = await ready();
        const message = await answerOf(channel, queue);
        if (message === "mute") {
          current = undefined;
          await turn.tellMute(queue);
          return undefined;
        }
        if (message !== false) return { ...openDelivery(channel, queue, message), turn };
      }
    } catch (error) {
      await turn.giveBack(false);
      throw error;
    }
    await turn.giveBack(true);
    return undefined;
  }

  async function ready(): Promise<Channel> {
    if (current !== undefined) return current;
    const channel = await broker.openChannel();
    channel.on("error", () => {}); // the operation itself rejects with it
    channel.once("close", () => {
      if (current === channel) current = undefined;
    });
    current = channel;
    return channel;
  }
}

/** What comes too late is put back. */
async function answerOf(channel: Channel, queue: string): Promise<GetMessage | false | "mute"> {
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const getting = getMessage(channel, queue).then((message) => {
    if (isLate && message !== false) channel.nack(message);
    return message;
  });
  const late = new Promise<"mute">((resolve) => {
    timer = setTimeout(() => {
      isLate = true;
      resolve("mute");
    }, MUTE_MS);
  });
  try {
    return await Promise.race([getting, late]);
  } finally {
    clearTimeout(timer);
    getting.catch(() => {}); // after a mute answer nobody waits for it
  }
}
