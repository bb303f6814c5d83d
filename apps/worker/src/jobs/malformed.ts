import { randomUUID } from "node:crypto";
import { ACK, type Publisher, retryAfter, type TurnDelivery } from "@rabbitloom/broker";
import type { EndedUnrun, JobStore } from "@rabbitloom/jobs";
import {
  type CodedError,
  DEFAULT_TENANT,
  isBelieved,
  isCodedError,
  JOB_DEPTH,
  type JobError,
  jobIdSchema,
  MOST_JOB_BYTES,
  REASON_HEADER,
  replyQueueOf,
  type Senders,
  type Topology,
  tenantSchema,
} from "@rabbitloom/protocol";
import { parseJson, stringifyJson } from "@rabbitloom/workflow";
import type { Logger } from "pino";
import * as z from "zod";
import { copyOf } from "../fleet/copy-of.ts";
import { eventRoute } from "./event-route.ts";
import { untilStoreAnswers } from "./store-answers.ts";

/** Of the reason, which may repeat a key of the body. */
const LONGEST_REASON = 1_000;
/** As JSON; on the wire a small number takes nine bytes. The AMQP client encodes 65,536, and a message that it cannot send comes again. */
const MOST_HEADER_BYTES = 4_096;

/**
 * Puts a message that is no job among the dead letters, with the reason in a header, ends the job whose message it is, where a
 * gateway has accepted one, and tells its sender. The copy is confirmed before the original goes.
 */
export async function buryMalformed(
  options: BurialOptions,
  delivery: TurnDelivery,
  cause: CodedError,
): Promise<void> {
  const { store, publisher, names, senders, log, stopping } = options;
  const { correlationId, headers, routingKey } = delivery;
  const { code, isRetryable } = cause;
  const message = cause.message.slice(0, LONGEST_REASON);
  const error = { code, message, retryable: isRetryable };

  const end = await untilStoreAnswers(() => endOf(options, delivery, error), {
    signal: stopping,
    log,
  });
  if (end === undefined) {
    delivery.settle(retryAfter(0));
    return;
  }
  const kept = Buffer.byteLength(stringifyJson(headers)) > MOST_HEADER_BYTES ? {} : headers;
  await publisher.publish(
    {
      ...copyOf(delivery, {
        headers: { ...kept, [REASON_HEADER]: `${code}: ${message}` },
        senders,
      }),
      exchange: names.dead.exchange,
      routingKey,
    },
    { waitsForever: true },
  );
  const { jobId, attempt, gatewayId } = end;
  const replyTo = replyQueueOf(delivery, options);
  if (attempt > 0 || replyTo !== undefined) {
    const route = eventRoute({ publisher, names, jobId, gatewayId, replyTo, correlationId });
    const at = new Date().toISOString();
    await route.publish([
      { v: 1, type: "job-end", jobId, attempt, seq: 1, at, state: "failed", outputs: {}, error },
    ]);
  }
  if (attempt > 0) {
    await store.noteAnnounced(jobId, attempt).catch((err: unknown) => {
      log.warn({ err, jobId }, "could not note that the end was said");
    });
  }
  delivery.settle(ACK);
}

interface BurialOptions {
  readonly store: Pick<JobStore, "refuse" | "view" | "noteAnnounced">;
  readonly publisher: Publisher;
  readonly names: Topology;
  readonly senders?: Senders | undefined;
  readonly log: Logger;
  /** Aborted when deliveries are to be handed back. */
  readonly stopping: AbortSignal;
}

/** Under which id and number the end is said: attempt 0 where it ends no job, and then not under the id of one. */
async function endOf(
  { store, senders }: BurialOptions,
  delivery: TurnDelivery,
  error: JobError,
): Promise<Omit<EndedUnrun, "error">> {
  const { data: jobId } = jobIdSchema.safeParse(delivery.messageId);
  if (jobId === undefined) return { jobId: randomUUID(), attempt: 0 };
  const tenant = ownerOf(delivery, senders);
  const ended = tenant === undefined ? undefined : await store.refuse({ tenant }, jobId, error);
  return ended ?? { jobId: (await isKnown(store, jobId)) ? randomUUID() : jobId, attempt: 0 };
}

/**
 * Whose job the message is the only one of; undefined where it cannot be known. A record that waits for its first attempt is a
 * gateway's making, and so is its message: a service's record is made when its message has been read.
 */
function ownerOf(
  { body, messageId, userId, headers, turn }: TurnDelivery,
  senders: Senders | undefined,
): string | undefined {
  if (senders !== undefined && !isBelieved({ userId, headers }, senders)) return undefined;
  const said = saidSchema.safeParse(body.byteLength > MOST_JOB_BYTES ? {} : jsonOf(body)).data;
  if (said?.jobId !== undefined && said.jobId !== messageId) return undefined;
  return turn === undefined || turn.tenant === "" ? said?.tenant : turn.tenant;
}

/** As far as it is needed here; what is no object says nothing. */
const saidSchema = z.object({
  jobId: z.unknown().optional(),
  tenant: tenantSchema.default(DEFAULT_TENANT),
});

function jsonOf(body: Buffer): unknown {
  try {
    const value = parseJson(body.toString("utf8"), { maxDepth: JOB_DEPTH });
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

async function isKnown(store: Pick<JobStore, "view">, jobId: string): Promise<boolean> {
  try {
    return (await store.view("every-tenant", jobId)) !== undefined;
  } catch (error) {
    if (isCodedError(error) && error.code === "JOB_EXPIRED") return true;
    throw error;
  }
}
