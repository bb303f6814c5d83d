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
  const parsed = jobMessageSchema.safeParse(raw);
  if (!parsed.success) {
    const reasons = parsed.error.issues
      .slice(0, 3)
      .map(({ path, message }) => `${path.map(String).join(".") || "(whole)"}: ${message}`);
    throw new CodedError("INVALID_REQUEST", `job message: ${reasons.join("; ")}`);
  }
  const jobId = parsed.data.jobId ?? messageId;
  if (!jobIdSchema.safeParse(jobId).success || jobId === undefined) {
    throw new CodedError(
      "INVALID_REQUEST",
      `job message: expected an id of 1 to 64 characters A-Z a-z 0-9 _ - in jobId or as message id, got ${JSON.stringify(jobId)}`,
    );
  }
  const lane = lanes.find((name) => names.jobs.queue(name, pool) === queue) ?? parsed.data.lane;
  const prompt = asItCame(raw, parsed.data.prompt);
  return {
    message: { ...parsed.data, jobId, prompt, lane, pool },
    promptJson: stringifyJson(prompt),
  };
}

/** zod's copy of the prompt no longer knows which of its numbers were written as floats. */
function asItCame(raw: unknown, parsed: Prompt): Prompt {
  const prompt: unknown =
    typeof raw === "object" && raw !== null && "prompt" in raw ? raw.prompt : undefined;
  return isPrompt(prompt) ? prompt : parsed;
}

function isPrompt(value: unknown): value is Prompt {
  return promptSchema.safeParse(value).success;
}
