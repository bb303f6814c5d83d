import * as z from "zod";
import { jobIdSchema } from "./identifiers.ts";

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
