import { type Cancellation, type JobStore, jobError, type Reach } from "@rabbitloom/jobs";
import type { JobPublisher } from "../amqp/ports.ts";

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
  const { found, wasRunning, attempt, gatewayId } = cancellation;
  if (wasRunning) await publisher.sendControl({ v: 1, type: "job-cancel", jobId });
  if (found === "pending") {
    await publisher.publishEvents(gatewayId, [
      {
        v: 1,
        type: "job-end",
        jobId,
        attempt,
        seq: 1,
        at: new Date().toISOString(),
        state: "cancelled",
        outputs: {},
        error: jobError("JOB_CANCELLED", "The job was cancelled."),
      },
    ]);
    await store.noteAnnounced(jobId, attempt);
  }
  return cancellation;
}
