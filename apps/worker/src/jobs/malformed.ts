import { randomUUID } from "node:crypto";
import { ACK, type OpenDelivery, type Publisher } from "@rabbitloom/broker";
import { type CodedError, jobIdSchema, type Topology } from "@rabbitloom/protocol";
import { eventRoute } from "./event-route.ts";

/** Header of a dead letter that never was a job: what is wrong with it. */
export const REASON_HEADER = "loom-reason";

/**
 * Puts a message that is no job among the dead letters, with the reason in a header, and tells its sender. The copy is
 * confirmed before the original goes.
 */
export async function buryMalformed(
  { publisher, names }: { readonly publisher: Publisher; readonly names: Topology },
  delivery: OpenDelivery,
  error: CodedError,
): Promise<void> {
  const { body, messageId, correlationId, replyTo, contentType, type, headers, routingKey } =
    delivery;
  const reason = `${error.code}: ${error.message}`;
  await publisher.publish(
    {
      exchange: names.dead.exchange,
      routingKey,
      body,
      persistent: true,
      headers: { ...headers, [REASON_HEADER]: reason },
      ...(messageId !== undefined && { messageId }),
      ...(correlationId !== undefined && { correlationId }),
      ...(replyTo !== undefined && { replyTo }),
      ...(contentType !== undefined && { contentType }),
      ...(type !== undefined && { type }),
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
        error: { code: error.code, message: error.message, retryable: error.isRetryable },
      },
    ]);
  }
  delivery.settle(ACK);
}
