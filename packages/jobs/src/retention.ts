/** How long ended jobs are remembered. Whatever limit is reached first removes the record. */
export interface Retention {
  /** @default 86_400, a day */
  readonly seconds?: number;
  /** Ended jobs kept. @default 10_000, ComfyUI's own limit */
  readonly maxJobs?: number;
  /** How long a removed job is still answered with "expired" instead of "unknown". @default 900 */
  readonly tombstoneSeconds?: number;
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
