import * as z from "zod";

/** How long ended jobs are remembered. Whatever limit is reached first removes the record. */
export interface Retention {
  /** @default 86_400, a day */
  readonly seconds?: number;
  /** Ended jobs kept. @default 10_000, ComfyUI's own limit */
  readonly maxJobs?: number;
  /** How long a removed job is still answered with "expired" instead of "unknown". @default 900 */
  readonly tombstoneSeconds?: number;
}

/** Variables that gateways and workers read alike; they have to say the same. */
export const retentionVariables = {
  /** Ended jobs that are kept of each tenant. */
  HISTORY_JOBS: z.coerce.number().int().min(1).max(10_000_000).optional(),
  HISTORY_SECONDS: z.coerce.number().positive().max(31_536_000).optional(),
};

export function readRetention({
  HISTORY_JOBS: maxJobs,
  HISTORY_SECONDS: seconds,
}: {
  readonly HISTORY_JOBS?: number | undefined;
  readonly HISTORY_SECONDS?: number | undefined;
}): Retention {
  return { ...(maxJobs !== undefined && { maxJobs }), ...(seconds !== undefined && { seconds }) };
}

/** As the scripts take it. */
export type RetentionArguments = readonly [keepMs: number, keepJobs: number, goneMs: number];

export function retentionArguments({
  seconds = 86_400,
  maxJobs = 10_000,
  tombstoneSeconds = 900,
}: Retention = {}): RetentionArguments {
  return [seconds * 1_000, maxJobs, Math.max(1, tombstoneSeconds * 1_000)];
}
