import { CodedError } from "@rabbitloom/protocol";
import { markUnsent } from "./unsent.ts";

/** A message on its way to an exchange; property names are amqplib's. */
export interface OutgoingMessage {
  /** "" is the default exchange: the routing key is then a queue's name. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly contentType?: string;
  readonly type?: string;
  /** Needed where `mandatory` is set: a returned message is known by it. */
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly replyTo?: string;
  /** The connection's own user, whom the broker then vouches for; any other is refused. */
  readonly userId?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  /** Milliseconds, as AMQP writes them: dead-lettered by then, or dropped. */
  readonly expiration?: string;
  /** Kept over a restart of the broker. */
  readonly persistent?: boolean;
  /** Refused where no queue takes it; else it is dropped in silence. */
  readonly mandatory?: boolean;
}

/**
 * What it means that the broker refuses a message. full: a queue takes no more, and the sender is told so. trouble: no
 * queue behind the exchange is ever full, so that the broker could not keep the message, as when it shuts down. It is sent
 * again with everything after it, so that nothing is missing and the order stays.
 */
export type NackMeaning = "full" | "trouble";

export interface OutboxEntry {
  readonly message: OutgoingMessage;
  readonly onSettled: ((error?: CodedError) => void) | undefined;
  readonly nack: NackMeaning;
  /** It has been handed to a connection at least once. */
  isSent: boolean;
  /** How often the broker has refused it. */
  refusals: number;
  /** The broker gave it back; its confirm follows. */
  returned: CodedError | undefined;
}

export interface AddOptions {
  readonly onSettled?: (error?: CodedError) => void;
  /** False: taken although the outbox is full. @default true */
  readonly isLimited?: boolean;
  /** @default "full" */
  readonly nack?: NackMeaning | undefined;
}

/** Messages that the broker has not confirmed yet, oldest first. */
export interface Outbox {
  readonly sizeBytes: number;
  /**
   * Throws BROKER_UNAVAILABLE where the bodies together would be over the limit, an empty outbox taking any one, and
   * PAYLOAD_TOO_LARGE where this one is larger than RabbitMQ takes: it would close the channel, for all others as well.
   */
  add(message: OutgoingMessage, options?: AddOptions): OutboxEntry;
  /** Takes an entry out and tells its sender, the first time; later calls change nothing. */
  settle(entry: OutboxEntry, error?: CodedError): void;
  unconfirmed(): OutboxEntry[];
  byMessageId(messageId: string): OutboxEntry | undefined;
  /** Resolves once nothing of what is here now is left. */
  drained(): Promise<void>;
  /** Settles everything with this error. */
  close(error: CodedError): void;
}

/**
 * Of one body: what deploy/rabbitmq/rabbitmq.conf sets. Jobs and pictures have 64 MiB at most, and the events of a job a few
 * more than 16.
 */
const MOST_MESSAGE_BYTES = 134_217_728;

/** Taken for each entry beside its body, so that empty bodies count too. */
const ENTRY_BYTES = 256;

export function openOutbox({ maxBytes }: { readonly maxBytes: number }): Outbox {
  const entries = new Set<OutboxEntry>();
  const byMessageId = new Map<string, OutboxEntry>();
  const drains = new Set<{ readonly waitsFor: Set<OutboxEntry>; readonly resolve: () => void }>();
  let sizeBytes = 0;

  function settle(entry: OutboxEntry, error?: CodedError) {
    if (!entries.delete(entry)) return;
    sizeBytes -= entrySizeBytes(entry.message);
    const { messageId } = entry.message;
    if (messageId !== undefined && byMessageId.get(messageId) === entry) {
      byMessageId.delete(messageId);
    }
    entry.onSettled?.(error);
    for (const drain of drains) {
      drain.waitsFor.delete(entry);
      if (drain.waitsFor.size > 0) continue;
      drains.delete(drain);
      drain.resolve();
    }
  }

  return {
    get sizeBytes() {
      return sizeBytes;
    },
    add(message, { onSettled, isLimited = true, nack = "full" } = {}) {
      const size = entrySizeBytes(message);
      if (message.body.byteLength > MOST_MESSAGE_BYTES) {
        throw markUnsent(tooLarge(message, MOST_MESSAGE_BYTES));
      }
      if (isLimited && entries.size > 0 && sizeBytes + size > maxBytes) {
        throw markUnsent(
          new CodedError(
            "BROKER_UNAVAILABLE",
            `RabbitMQ has not confirmed ${entries.size} messages (${sizeBytes} bytes): no more are taken`,
          ),
        );
      }
      const entry: OutboxEntry = {
        message,
        onSettled,
        nack,
        isSent: false,
        refusals: 0,
        returned: undefined,
      };
      entries.add(entry);
      sizeBytes += size;
      if (message.messageId !== undefined) byMessageId.set(message.messageId, entry);
      return entry;
    },
    settle,
    unconfirmed: () => [...entries],
    byMessageId: (messageId) => byMessageId.get(messageId),
    drained() {
      if (entries.size === 0) return Promise.resolve();
      return new Promise((resolve) => drains.add({ waitsFor: new Set(entries), resolve }));
    },
    close(error) {
      for (const entry of [...entries]) settle(entry, error);
    },
  };
}

export function tooLarge(
  { body, exchange, routingKey }: OutgoingMessage,
  mostBytes: number,
): CodedError {
  return new CodedError(
    "PAYLOAD_TOO_LARGE",
    `a message of ${body.byteLength} bytes for ${JSON.stringify(routingKey)} of exchange ${JSON.stringify(exchange)}: RabbitMQ takes at most ${mostBytes}`,
  );
}

function entrySizeBytes({ body }: OutgoingMessage): number {
  return body.byteLength + ENTRY_BYTES;
}
