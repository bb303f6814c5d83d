import type { Channel, Message } from "amqplib";
import { type Settlement, verdict } from "./settlement.ts";

/** A message as it came off a queue. */
export interface Delivery {
  readonly body: Buffer;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  /** How often a quorum queue has delivered it before. */
  readonly deliveryCount: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly messageId: string | undefined;
  readonly correlationId: string | undefined;
  readonly replyTo: string | undefined;
  readonly contentType: string | undefined;
  readonly type: string | undefined;
  /** Whose connection sent it: checked by the broker, where the sender said so. */
  readonly userId: string | undefined;
  readonly persistent: boolean;
}

/** A delivery that somebody has to settle, once. */
export interface OpenDelivery extends Delivery {
  /** The queue that it came from. */
  readonly queue: string;
  /**
   * True where the broker was told. False where the channel is gone: the broker has taken the message back
   * already and delivers it again.
   */
  settle(settlement: Settlement): boolean;
}

export function delivery({ content, fields, properties }: Message): Delivery {
  const headers: Record<string, unknown> = { ...properties.headers };
  return {
    body: content,
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    redelivered: fields.redelivered,
    deliveryCount: Number(headers["x-delivery-count"] ?? 0),
    headers,
    messageId: text(properties.messageId),
    correlationId: text(properties.correlationId),
    replyTo: text(properties.replyTo),
    contentType: text(properties.contentType),
    type: text(properties.type),
    userId: text(properties.userId),
    persistent: properties.deliveryMode === 2,
  };
}

export function openDelivery(channel: Channel, queue: string, message: Message): OpenDelivery {
  return {
    ...delivery(message),
    queue,
    settle: (settlement) => settleOn(channel, message, settlement),
  };
}

function settleOn(channel: Channel, message: Message, settlement: Settlement): boolean {
  const told = verdict(settlement);
  try {
    if (told.method === "ack") {
      channel.ack(message);
    } else if (told.afterMs === 0) {
      channel.nack(message, false, told.requeue);
    } else {
      const timer = setTimeout(() => {
        try {
          channel.nack(message, false, told.requeue);
        } catch {
          // The channel closed in the meantime, and the broker took the message back.
        }
      }, told.afterMs);
      channel.once("close", () => clearTimeout(timer));
    }
    return true;
  } catch {
    return false;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
