import { CodedError, type Topology } from "@rabbitloom/protocol";
import type { Channel, GetMessage } from "amqplib";
import { closeChannel } from "./close-channel.ts";
import type { Broker } from "./connect-broker.ts";
import { type Delivery, delivery } from "./delivery.ts";
import { getMessage } from "./get-message.ts";

/**
 * Shows the letters one by one, oldest first, until `look` answers something or the most were seen. Every letter is put
 * back, but the one that `take` is called for and resolves. Two that look at once see a part each: callers take turns.
 */
export async function lookThroughDeadLetters<Found>(
  broker: Broker,
  names: Topology,
  options: {
    readonly most: number;
    readonly look: (letter: Delivery) => Found | undefined;
    /** What is done with the one that was found; it is removed when this resolves. */
    readonly take?: (letter: Delivery) => Promise<void>;
  },
): Promise<Found | undefined> {
  const { most, look, take } = options;
  const channel = await broker.openChannel();
  channel.on("error", () => {}); // the operation itself rejects with it
  try {
    for (let count = 0; count < most; count++) {
      const message = await next(channel, names);
      if (message === undefined) return undefined;
      const letter = delivery(message);
      const found = look(letter);
      if (found === undefined) continue;
      if (take !== undefined) {
        await take(letter);
        channel.ack(message);
      }
      return found;
    }
    return undefined;
  } finally {
    // Closing gives back, in their old order, what was not acknowledged.
    await closeChannel(channel);
  }
}

async function next(channel: Channel, names: Topology): Promise<GetMessage | undefined> {
  const message = await getMessage(channel, names.dead.queue).catch((cause: unknown) => {
    throw new CodedError("BROKER_UNAVAILABLE", "the dead letters cannot be read", { cause });
  });
  return message === false ? undefined : message;
}
