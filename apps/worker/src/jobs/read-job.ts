import type { TurnDelivery } from "@rabbitloom/broker";
import {
  CodedError,
  isBelieved,
  JOB_DEPTH,
  type JobMessage,
  jobIdSchema,
  jobMessageSchema,
  type Lane,
  lanes,
  MOST_JOB_BYTES,
  type Prompt,
  promptSchema,
  replyQueueOf,
  type Senders,
  type Topology,
  tenantOfSender,
} from "@rabbitloom/protocol";
import { parseJson, stringifyJson } from "@rabbitloom/workflow";
import * as z from "zod";

export interface ReceivedJob {
  readonly message: JobMessage & { readonly jobId: string };
  /** The prompt as it came, every digit of it: the engine reads it itself. */
  readonly promptJson: string;
}

export interface ReadJobOptions {
  readonly names: Topology;
  readonly pool: string;
  /** Where not everybody is believed whose a job is. */
  readonly senders?: Senders | undefined;
}

type ReadDelivery = Pick<
  TurnDelivery,
  "body" | "messageId" | "replyTo" | "queue" | "turn" | "userId" | "headers"
>;

/**
 * Reads a job off a lane. A service that publishes one itself may leave out everything but the prompt: its id
 * is then the message's. The lane is the one that it came from, and so is the tenant where that is a tenant's own queue,
 * whatever the body says. Where not everybody is believed, only those who are say which gateway hears of a job. Throws
 * INVALID_JSON, INVALID_REQUEST, PAYLOAD_TOO_LARGE or FORBIDDEN.
 */
export function readJob(delivery: ReadDelivery, options: ReadJobOptions): ReceivedJob {
  const { body, messageId, queue, turn } = delivery;
  const { names, pool } = options;
  if (body.byteLength > MOST_JOB_BYTES) {
    throw new CodedError(
      "PAYLOAD_TOO_LARGE",
      `job message: ${body.byteLength} bytes, at most ${MOST_JOB_BYTES} are read`,
    );
  }
  const raw = parseJson(body.toString("utf8"), { maxDepth: JOB_DEPTH });
  const parsed = receivedSchema.safeParse(raw);
  if (!parsed.success) throw notAJob(raw);
  const jobId = parsed.data.jobId ?? messageId;
  if (!jobIdSchema.safeParse(jobId).success || jobId === undefined) {
    throw new CodedError(
      "INVALID_REQUEST",
      `job message: expected an id of 1 to 64 characters A-Z a-z 0-9 _ - in jobId or as message id, got ${JSON.stringify(jobId)}`,
    );
  }
  const own = turn?.tenant === "" ? undefined : turn?.tenant;
  const isFrom = (lane: Lane) => names.jobs.queue(lane, pool, own) === queue;
  const lane = lanes.find(isFrom) ?? parsed.data.lane;
  const { senders } = options;
  const tenant = ownerOf(delivery, { own, claimed: parsed.data.tenant, senders });
  if (delivery.replyTo !== replyQueueOf(delivery, options)) {
    throw new CodedError(
      "FORBIDDEN",
      `reply_to: expected ${names.service("*")}, got ${JSON.stringify(delivery.replyTo)}`,
    );
  }
  const { gatewayId, submission, ...said } = parsed.data;
  const isByGateway = senders === undefined || isBelieved(delivery, senders);
  return {
    message: {
      ...said,
      jobId,
      lane,
      pool,
      tenant,
      ...(isByGateway && { gatewayId, submission }),
    },
    promptJson: stringifyJson(parsed.data.prompt),
  };
}

function ownerOf(
  delivery: ReadDelivery,
  {
    own,
    claimed,
    senders,
  }: {
    readonly own: string | undefined;
    readonly claimed: string;
    readonly senders: Senders | undefined;
  },
): string {
  if (senders === undefined) return own ?? claimed;
  const tenant = tenantOfSender(delivery, own ?? claimed, senders);
  if (own === undefined || own === tenant) return tenant;
  throw new CodedError("FORBIDDEN", `a job of tenant ${tenant} in the queue of tenant ${own}`);
}

/** The prompt is checked but goes on as it came: a copy would not know which numbers were written as floats. */
const receivedSchema = jobMessageSchema.extend({
  prompt: z.custom<Prompt>((value) => promptSchema.safeParse(value).success),
});

function notAJob(raw: unknown): CodedError {
  const { error } = jobMessageSchema.safeParse(raw);
  const reasons = (error?.issues ?? [])
    .slice(0, 3)
    .map(({ path, message }) => `${path.map(String).join(".") || "(whole)"}: ${message}`);
  return new CodedError("INVALID_REQUEST", `job message: ${reasons.join("; ")}`);
}
