import type { Delivery, OutgoingMessage } from "@rabbitloom/broker";
import { SENDER_HEADER, type Senders, senderOf } from "@rabbitloom/protocol";

/**
 * The same message for another place. Where senders matter, it says who sent it first: this process vouches for that, and
 * the copy is not believed more than the original.
 */
export function copyOf(
  delivery: Delivery,
  { headers, senders }: CopyOptions = {},
): Omit<OutgoingMessage, "exchange" | "routingKey"> {
  const { body, messageId, correlationId, replyTo, contentType, type } = delivery;
  const first = senders && { [SENDER_HEADER]: senderOf(delivery, senders) ?? "" };
  return {
    body,
    persistent: true,
    ...((headers ?? first) !== undefined && { headers: { ...headers, ...first } }),
    ...(senders !== undefined && { userId: senders.own }),
    ...(messageId !== undefined && { messageId }),
    ...(correlationId !== undefined && { correlationId }),
    ...(replyTo !== undefined && { replyTo }),
    ...(contentType !== undefined && { contentType }),
    ...(type !== undefined && { type }),
  };
}

export interface CopyOptions {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly senders?: Senders | undefined;
}
