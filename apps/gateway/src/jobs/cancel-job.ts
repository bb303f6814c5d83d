import { type Cancellation, type JobStore, jobError, type Reach } from "@rabbitloom/jobs";
import { isCodedError } from "@rabbitloom/protocol";
import type { JobPublisher } from "../amqp/ports.ts";
import { sayEnd } from "../events/say-end.ts";

export interface CancelDependencies {
  readonly store: Pick<JobStore, "cancel" | "noteAnnounced">;
  readonly publisher: JobPublisher;
}

/**
 * Ends a job wherever it is: the store decides, so that it can never hit another one. One that waits has ended when
 * this resolves, and its last event is out. One that runs is stopped by its worker, who says the last event.
 */
export async function cancelJob(
  deps: CancelDependencies,
  reach: Reach,
  jobId: string,
): Promise<Cancellation> {
  const { store, publisher } = deps;
  const cancellation = await store.cancel(reach, jobId);
  const { found, wasRunning, ...ended } = cancellation;
  if (wasRunning) await publisher.sendControl({ v: 1, type: "job-cancel", jobId });
  if (found === "pending") {
    const error = jobError("JOB_CANCELLED", "The job was cancelled.");
    await sayEnd(deps, { jobId, state: "cancelled", error, ...ended }).catch(unlessFull);
  }
  return cancellation;
}

/** A service's reply queue takes no more: its job is cancelled all the same, and the sweeper says so again. */
function unlessFull(error: unknown): void {
  if (!isCodedError(error) || error.code !== "QUEUE_FULL") throw error;
}
