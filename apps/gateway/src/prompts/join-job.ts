import type { JobRecord, JobStore } from "@rabbitloom/jobs";
import type { JobEndEvent } from "@rabbitloom/protocol";
import { endFromView } from "../events/end-of-job.ts";
import type { JobHub } from "../events/job-hub.ts";
import { waitForEnd } from "../events/wait-for-end.ts";
import type { WordLeases } from "../events/word-leases.ts";

export interface JoinDependencies {
  readonly store: Pick<JobStore, "view">;
  readonly hub: JobHub;
  readonly words: WordLeases;
}

export interface JobWait {
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
}

/** First word of the routing keys of jobs that services send themselves. */
const NO_GATEWAY = "-";

/** Waits for a job that another request, or another gateway, took in. Undefined where that took too long. */
export async function joinJob(
  { store, hub, words }: JoinDependencies,
  { id, gatewayId: word = NO_GATEWAY }: JobRecord,
  { timeoutMs, signal }: JobWait,
): Promise<JobEndEvent | undefined> {
  // Its events come under the word of whoever took it in.
  await words.take(word);
  const looked = new AbortController();
  try {
    const ending = waitForEnd(hub, id, {
      timeoutMs,
      signal: AbortSignal.any([signal, looked.signal]),
    });
    // Looked at once it is listened to: an end before that is in the record.
    const job = await store.view("every-tenant", id);
    const end = job && endFromView(job);
    return end ?? (await ending);
  } finally {
    looked.abort();
    words.release(word);
  }
}
