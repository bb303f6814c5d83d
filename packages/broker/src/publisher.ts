import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "@rabbitloom/protocol";
import type { ConfirmChannel, Message } from "amqplib";
import type { Broker } from "./connect-broker.ts";
import {
  type NackMeaning,
  type OutboxEntry,
  type OutgoingMessage,
  openOutbox,
  tooLarge,
} from "./outbox.ts";
import { markUnsent } from "./unsent.ts";

export interface PublisherOptions {
  /** Shown in problems. @default "publisher" */
  readonly name?: string;
  /** How long `publish` waits for a confirm, reconnects included. @default 10_000 */
  readonly deadlineMs?: number;
  /** Bodies held until the broker confirms them; more than one over it is refused with BROKER_UNAVAILABLE. @default 64 MiB */
  readonly maxBytes?: number;
}

export interface PublishOptions {
  /** @default the publisher's */
  readonly deadlineMs?: number;
  /** Waits as long as it takes: a blocked broker, a full outbox and the deadline do not count. @default false */
  readonly waitsForever?: boolean;
  /** What a refusal means. @default "full" */
  readonly nack?: NackMeaning;
}

/**
 * Publishes on a confirm channel. What the broker has not confirmed when the connection is lost is sent
 * again, in the same order, on the next one: whoever reads must drop what it has seen (by message id, or
 * by attempt and seq).
 */
export interface Publisher extends AsyncDisposable {
  /**
   * Resolves when the broker has confirmed. Rejects with
   * - QUEUE_FULL where a queue takes no more,
   * - NO_WORKER where a mandatory message fits no queue,
   * - PAYLOAD_TOO_LARGE where it is larger than the broker takes,
   * - BROKER_UNAVAILABLE at once while the broker blocks publishers or the outbox is full, else after the deadline.
   *   The message may have arrived all the same.
   */
  publish(message: OutgoingMessage, options?: PublishOptions): Promise<void>;
  /** Sends without waiting, in order with everything else. Throws BROKER_UNAVAILABLE where the outbox is full. */
  post(message: OutgoingMessage, options?: Pick<PublishOptions, "nack">): void;
  /** Resolves when everything sent so far is confirmed or refused. */
  flush(): Promise<void>;
  readonly unconfirmedBytes: number;
}

/** Before what was refused is sent again. */
const TROUBLE_MS = 100;
/** Then somebody has bound a queue that does refuse: it must not keep everything else waiting. */
const MOST_REFUSALS = 50;

export function openPublisher(
  broker: Broker,
  {
    name = "publisher",
    deadlineMs: usualDeadlineMs = 10_000,
    maxBytes = 64 * 2 ** 20,
  }: PublisherOptions = {},
): Publisher {
  const outbox = openOutbox({ maxBytes });
  /** What is added from now on is sent on it at once; what was there before has been. */
  let open: ConfirmChannel | undefined;
  let isInTrouble = false;

  const kept = broker.keepConfirmChannel({
    name,
    setup: async (channel) => {
      if (isInTrouble) await delay(TROUBLE_MS);
      isInTrouble = false;
      channel.on("return", (message: Message) => onReturn(message));
      channel.on("error", onError);
      for (const entry of outbox.unconfirmed()) send(channel, entry);
      open = channel;
    },
    onLost: () => {
      open = undefined;
    },
  });

  function send(channel: ConfirmChannel, entry: OutboxEntry) {
    const { message } = entry;
    const { exchange, routingKey, body, ...properties } = message;
    entry.isSent = true;
    try {
      channel.publish(exchange, routingKey, body, properties, (error: Error | null) => {
        if (error === null) outbox.settle(entry, entry.returned);
        // Anything but a nack means that the channel is gone: the entry stays for the next one.
        else if (error.message === "message nacked") onNack(channel, entry);
      });
    } catch (error) {
      // The channel closed a moment ago; a message that cannot be encoded would never get out.
      if (!(error instanceof Error) || error.name !== "IllegalOperationError") {
        outbox.settle(entry, CodedError.from(error));
      }
    }
  }

  function onNack(channel: ConfirmChannel, entry: OutboxEntry) {
    entry.refusals += 1;
    if (entry.nack === "full" || entry.refusals > MOST_REFUSALS) {
      outbox.settle(entry, full(entry.message));
      return;
    }
    if (isInTrouble) return;
    isInTrouble = true;
    open = undefined;
    const where = JSON.stringify(entry.message.exchange);
    broker.onProblem({
      where: name,
      error: new Error(`a message for exchange ${where} was refused`),
    });
    // The next channel begins with everything that is unconfirmed.
    channel.close().catch(() => {});
  }

  /** A message that is too large closes the channel, and would close each one that it is sent on again. */
  function onError({ message }: Error) {
    const most = /message size \d+ is larger than (?:configured )?max size (\d+)/.exec(
      message,
    )?.[1];
    if (most === undefined) return;
    for (const entry of outbox.unconfirmed()) {
      if (entry.message.body.byteLength <= Number(most)) continue;
      outbox.settle(entry, tooLarge(entry.message, Number(most)));
    }
  }

  function onReturn({ properties, fields }: Message) {
    const entry = outbox.byMessageId(String(properties.messageId));
    if (entry === undefined) return;
    entry.returned = new CodedError(
      "NO_WORKER",
      `no queue takes messages for ${JSON.stringify(fields.routingKey)} of exchange ${JSON.stringify(fields.exchange)}`,
    );
  }

  function sendNow(entry: OutboxEntry) {
    if (open !== undefined) send(open, entry);
  }

  function refuseWhileBlocked() {
    if (broker.state !== "blocked" && broker.state !== "closed") return;
    const why = broker.blockedReason ?? "connection closed";
    throw markUnsent(new CodedError("BROKER_UNAVAILABLE", `RabbitMQ takes no messages: ${why}`));
  }

  return {
    publish(message, { deadlineMs = usualDeadlineMs, waitsForever = false, nack } = {}) {
      return new Promise((resolve, reject) => {
        let timer: NodeJS.Timeout | undefined;
        if (!waitsForever) refuseWhileBlocked();
        const entry = outbox.add(message, {
          isLimited: !waitsForever,
          nack,
          onSettled: (error) => {
            clearTimeout(timer);
            if (error === undefined) resolve();
            else reject(error);
          },
        });
        if (!waitsForever) {
          const expire = () => {
            outbox.settle(entry, entry.isSent ? late(deadlineMs) : markUnsent(late(deadlineMs)));
          };
          timer = setTimeout(expire, deadlineMs);
        }
        sendNow(entry);
      });
    },
    post(message, { nack } = {}) {
      sendNow(outbox.add(message, { nack }));
    },
    flush: () => outbox.drained(),
    get unconfirmedBytes() {
      return outbox.sizeBytes;
    },
    async [Symbol.asyncDispose]() {
      await kept[Symbol.asyncDispose]();
      outbox.close(new CodedError("BROKER_UNAVAILABLE", "RabbitMQ: publisher closed"));
    },
  };
}

function full({ exchange, routingKey }: OutgoingMessage): CodedError {
  return new CodedError(
    "QUEUE_FULL",
    `the queue behind ${JSON.stringify(routingKey)} of exchange ${JSON.stringify(exchange)} takes no more messages`,
  );
}

function late(deadlineMs: number): CodedError {
  return new CodedError("BROKER_UNAVAILABLE", `RabbitMQ confirmed nothing within ${deadlineMs} ms`);
}
