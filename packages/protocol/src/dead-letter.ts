import * as z from "zod";
import { jobIdSchema } from "./identifiers.ts";
import { parseJson } from "./json/parse-json.ts";

/** Header in which a worker says why it buried a message that never was a job. */
export const REASON_HEADER = "loom-reason";

/**
 * Which job a message is of, whatever else is wrong with it: as `decodeJob` reads it, what the body says comes before the
 * message's own id.
 */
export function jobIdOfMessage(message: {
  readonly messageId?: string | undefined;
  readonly text: string;
}): string | undefined {
  try {
    const { jobId = message.messageId } = namedSchema.parse(parseJson(message.text));
    return jobIdSchema.parse(jobId);
  } catch {
    return undefined;
  }
}
const namedSchema = z.object({ jobId: z.string().optional() });

/** A message that the fleet has given up, as `/api/v1/dead-letters` shows it. */
export const deadLetterSchema = z.object({
  /** Names the message, not the job: digits of its contents. */
  id: z.string(),
  /** Absent where it never was a job. */
  jobId: jobIdSchema.optional(),
  /** `malformed`: never was a job; `rejected`: its last attempt failed; `delivery_limit`: nobody ever settled it. */
  reason: z.string(),
  detail: z.string().optional(),
  routingKey: z.string(),
  diedAt: z.iso.datetime().optional(),
  sizeBytes: z.int().nonnegative(),
  /** The body, where it was asked for by name. */
  body: z.string().optional(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;
