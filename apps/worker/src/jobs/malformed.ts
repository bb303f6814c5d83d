import { randomUUID } from "node:crypto";
import { ACK, type OpenDelivery, type Publisher } from "@rabbitloom/broker";
import { type CodedError, jobIdSchema, type Senders, type Topology } from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import { copyOf } from "../fleet/copy-of.ts";
import { eventRoute } from "./event-route.ts";

/** Header of a dead letter that never was a job: what is wrong with it. */
export const REASON_HEADER = "loom-reason";

/** Of the reason, which may repeat a key of the body. */
const LONGEST_REASON = 1_000;
/** As JSON; on the wire a small number takes nine bytes. The AMQP client encodes 65,536, and a message that it cannot send comes again. */
const MOST_HEADER_BYTES = 4_096;

/**
 * Puts a message that is no job among the dead letters, with the reason in a header, and tells its sender. The copy is
 * confirmed before the original goes.
 */
export async function buryMalformed(
  { publisher, names, senders }: BurialOptions,
  delivery: OpenDelivery,
  error: CodedError,
): Promise<void> {
  const { messageId, correlationId, replyTo, headers, routingKey } = delivery;
  const message = error.message.slice(0, LONGEST_REASON);
  const reason = `${error.code}: ${message}`;
  const kept = Buffer.byteLength(stringifyJson(headers)) > MOST_HEADER_BYTES ? {} : headers;
  await publisher.publish(
    {
      ...copyOf(delivery, { headers: { ...kept, [REASON_HEADER]: reason }, senders }),
      exchange: names.dead.exchange,
      routingKey,
    },
    { waitsForever: true },
  );
  if (replyTo !== undefined) {
    const known = jobIdSchema.safeParse(messageId);
    const jobId = known.success ? known.data : randomUUID();
    const route = eventRoute({ publisher, names, jobId, replyTo, correlationId });
    await route.publish([
      {
        v: 1,
        type: "job-end",
        jobId,
        attempt: 0,
        seq: 1,
        at: new Date().toISOString(),
        state: "failed",
        outputs: {},
        error: { code: error.code, message, retryable: error.isRetryable },
      },
    ]);
  }
  delivery.settle(ACK);
}

interface BurialOptions {
  readonly publisher: Publisher;
  readonly names: Topology;
  readonly senders?: Senders | undefined;
}
