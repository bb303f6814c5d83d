import type { JobStore } from "@rabbitloom/jobs";
import { endFromView } from "./end-of-job.ts";
import type { JobHub } from "./job-hub.ts";

export interface RecoveryOptions {
  readonly hub: JobHub;
  readonly store: Pick<JobStore, "view">;
  readonly jobIds: readonly string[];
  readonly wordOf: (jobId: string) => string;
}

/**
 * Looks the jobs up whose events may have been missed, and delivers the ends that the store knows. The events
 * themselves are gone, but nobody waits for ever.
 */
export async function recoverEnds({ hub, store, jobIds, wordOf }: RecoveryOptions): Promise<void> {
  for (const jobId of jobIds) {
    const job = await store.view(jobId).catch(() => undefined);
    const end = job === undefined ? undefined : endFromView(job);
    if (end !== undefined) hub.deliver(wordOf(jobId), [end]);
  }
}
