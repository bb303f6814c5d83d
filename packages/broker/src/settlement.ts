/** What is to become of a delivery: a handler's answer. */
export type Settlement =
  | { readonly type: "ack" }
  /** Back to the queue, after a while: the same message is delivered again, here or elsewhere. */
  | { readonly type: "retry"; readonly delayMs: number }
  /** To the dead-letter exchange; where the queue has none, away. */
  | { readonly type: "dead-letter" };

export const ACK: Settlement = { type: "ack" };
export const DEAD_LETTER: Settlement = { type: "dead-letter" };
export const retryAfter = (delayMs: number): Settlement => ({ type: "retry", delayMs });

/** The one call on the channel that a settlement means. */
export type ChannelVerdict =
  | { readonly method: "ack" }
  | { readonly method: "nack"; readonly requeue: boolean; readonly afterMs: number };

export function verdict(settlement: Settlement): ChannelVerdict {
  switch (settlement.type) {
    case "ack":
      return { method: "ack" };
    case "retry":
      return { method: "nack", requeue: true, afterMs: Math.max(0, settlement.delayMs) };
    case "dead-letter":
      return { method: "nack", requeue: false, afterMs: 0 };
  }
}
