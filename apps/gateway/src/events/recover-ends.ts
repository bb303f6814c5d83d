import type { JobStore } from "@rabbitloom/jobs";
import { isCodedError, type JobView } from "@rabbitloom/protocol";
import { unchangedFor } from "../recover/unchanged-for.ts";
import { clientWord } from "./client-word.ts";
import { endFromView } from "./end-of-job.ts";
import type { JobHub } from "./job-hub.ts";

export interface EndRecoveryOptions {
  readonly hub: JobHub;
  readonly store: Pick<JobStore, "view">;
  /** The word of jobs without a client. */
  readonly gatewayId: string;
  readonly now?: () => number;
}

/** Events may have been missed, and those are gone: but nobody waits for ever. */
export interface EndRecovery {
  /** Looks the jobs up, and delivers the ends that the store knows. */
  recover(jobIds: Iterable<string>): Promise<void>;
  /** Does so for all that are waited for; those whose records are no longer kept are given up. */
  recoverAwaited(): Promise<void>;
}

/** Between two looks without a record: the last event of a job that was forgotten at once may be on its way. */
const FORGOTTEN_MS = 5_000;

export function endRecovery(options: EndRecoveryOptions): EndRecovery {
  const { hub, now = () => performance.now() } = options;
  const forgotten = unchangedFor(now);
  return {
    async recover(jobIds) {
      await deliverEnds(options, jobIds);
    },
    async recoverAwaited() {
      const expired = await deliverEnds(options, hub.awaited());
      for (const jobId of forgotten.look(expired, String, FORGOTTEN_MS)) hub.giveUp(jobId);
    },
  };
}

/** Answers the jobs that have ended, nobody can say how. One that is unknown may run yet: Redis has forgotten everything. */
async function deliverEnds(
  { hub, store, gatewayId }: EndRecoveryOptions,
  jobIds: Iterable<string>,
): Promise<string[]> {
  const expired: string[] = [];
  for (const jobId of new Set(jobIds)) {
    let job: JobView | undefined;
    try {
      job = await store.view("every-tenant", jobId);
    } catch (error) {
      if (isCodedError(error) && error.code === "JOB_EXPIRED") expired.push(jobId);
    }
    const end = job && endFromView(job);
    if (end === undefined) continue;
    const word = job?.clientId === undefined ? gatewayId : clientWord(job.tenant, job.clientId);
    hub.deliver(word, [end]);
  }
  return expired;
}
