import type { JobStore } from "@rabbitloom/jobs";
import { clientWord } from "./client-word.ts";
import { endFromView } from "./end-of-job.ts";
import type { JobHub } from "./job-hub.ts";

export interface RecoveryOptions {
  readonly hub: JobHub;
  readonly store: Pick<JobStore, "view">;
  /** The word of jobs without a client. */
  readonly gatewayId: string;
  readonly jobIds: Iterable<string>;
}

/**
 * Looks the jobs up whose events may have been missed, and delivers the ends that the store knows. The events
 * themselves are gone, but nobody waits for ever.
 */
export async function recoverEnds({
  hub,
  store,
  gatewayId,
  jobIds,
}: RecoveryOptions): Promise<void> {
  for (const jobId of new Set(jobIds)) {
    // Expired: there is nothing left to tell.
    const job = await store.view("every-tenant", jobId).catch(() => undefined);
    const end = job === undefined ? undefined : endFromView(job);
    if (end === undefined) continue;
    const word = job?.clientId === undefined ? gatewayId : clientWord(job.tenant, job.clientId);
    hub.deliver(word, [end]);
  }
}
