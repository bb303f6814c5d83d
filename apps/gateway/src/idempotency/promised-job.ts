import type { JobRecord, JobStore, Reach } from "@rabbitloom/jobs";

/**
 * The job that a client is about to be told is taken: from here on the request that took it in does not withdraw it.
 * Undefined where there is none. Throws JOB_EXPIRED for one that is no longer kept.
 */
export async function promisedJob(
  store: Pick<JobStore, "find" | "promise">,
  reach: Reach,
  jobId: string,
): Promise<JobRecord | undefined> {
  for (;;) {
    const job = await store.find(reach, jobId);
    // Gone between the two: looked at again.
    if (job === undefined || (await store.promise(reach, jobId))) return job;
  }
}
