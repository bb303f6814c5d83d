import type { OpenDelivery } from "@rabbitloom/broker";
import {
  CodedError,
  type JobMessage,
  jobIdSchema,
  jobMessageSchema,
  lanes,
  type Prompt,
  promptSchema,
  type Topology,
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
}

/**
 * Reads a job off a lane. A service that publishes one itself may leave out everything but the prompt: its id
 * is then the message's. The lane is the one that it came from, whatever the body says. Throws INVALID_JSON or
 * INVALID_REQUEST.
 */
export function readJob(
  { body, messageId, queue }: Pick<OpenDelivery, "body" | "messageId" | "queue">,
  { names, pool }: ReadJobOptions,
): ReceivedJob {
  const raw = parseJson(body.toString("utf8"));
  const parsed = receivedSchema.safeParse(raw);
  if (!parsed.success) throw notAJob(raw);
  const jobId = parsed.data.jobId ?? messageId;
  if (!jobIdSchema.safeParse(jobId).success || jobId === undefined) {
    throw new CodedError(
      "INVALID_REQUEST",
      `job message: expected an id of 1 to 64 characters A-Z a-z 0-9 _ - in jobId or as message id, got ${JSON.stringify(jobId)}`,
    );
  }
  const lane = lanes.find((name) => names.jobs.queue(name, pool) === queue) ?? parsed.data.lane;
  return {
    message: { ...parsed.data, jobId, lane, pool },
    promptJson: stringifyJson(parsed.data.prompt),
  };
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
