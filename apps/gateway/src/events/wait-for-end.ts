import { jobExpired } from "@rabbitloom/jobs";
import type { JobEndEvent } from "@rabbitloom/protocol";
import type { JobHub } from "./job-hub.ts";

export interface WaitOptions {
  /** Resolves undefined after so long. Absent: waits for ever. */
  readonly timeoutMs?: number | undefined;
  /** Resolves undefined when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * A promise of the job's last event that begins to listen at once: call it before the job is published. Throws JOB_EXPIRED
 * where nobody can say any more how it ended.
 */
export function waitForEnd(
  hub: JobHub,
  jobId: string,
  { timeoutMs, signal }: WaitOptions = {},
): Promise<JobEndEvent | undefined> {
  const ending = new Promise<JobEndEvent | undefined>((resolve, reject) => {
    const settle = (event: JobEndEvent | undefined) => {
      subscription[Symbol.dispose]();
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      resolve(event);
    };
    const onAbort = () => settle(undefined);
    const subscription = hub.onEnd(jobId, (event) => {
      if (event === undefined) reject(jobExpired(jobId));
      settle(event);
    });
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => settle(undefined), timeoutMs);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
  });
  // Whoever waits may not have come to that yet.
  ending.catch(() => {});
  return ending;
}
