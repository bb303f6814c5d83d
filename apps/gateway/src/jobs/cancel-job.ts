import type { Cancellation, JobStore } from "@rabbitloom/jobs";
import type { JobEndEvent, JobError } from "@rabbitloom/protocol";
import type { JobPublisher } from "../amqp/ports.ts";

export interface CancelDependencies {
  readonly store: Pick<JobStore, "cancel" | "find" | "noteAnnounced">;
  readonly publisher: JobPublisher;
}

/**
 * Ends a job wherever it is: the store decides, so that it can never hit another one. Whoever cancels a job in
 * the queue says its last event; a worker that runs one is told to stop, and says it.
 */
export async function cancelJob(deps: CancelDependencies, jobId: string): Promise<Cancellation> {
  const { store, publisher } = deps;
  const cancellation = await store.cancel(jobId);
  const { found, wasRunning, attempt, gatewayId } = cancellation;
  // The worker that runs it says the last event itself, when it has stopped.
  if (wasRunning) await publisher.sendControl({ v: 1, type: "job-cancel", jobId });
  if (found !== "pending") return cancellation;
  await publisher.publishEvents(gatewayId, [await endEvent(store, jobId, attempt)]);
  await store.noteAnnounced(jobId, attempt);
  return cancellation;
}

async function endEvent(
  store: CancelDependencies["store"],
  jobId: string,
  attempt: number,
): Promise<JobEndEvent> {
  const job = await store.find(jobId);
  const nodeId = job?.progress?.nodeId;
  const node = nodeId === undefined ? undefined : job?.prompt[nodeId];
  const error: JobError = {
    code: "JOB_CANCELLED",
    message: "the job was cancelled",
    retryable: false,
    ...(nodeId !== undefined &&
      node !== undefined && {
        node: {
          nodeId,
          nodeType: node.class_type,
          exceptionType: "InterruptProcessingException",
          traceback: [],
          inputs: {},
        },
      }),
  };
  return {
    v: 1,
    type: "job-end",
    jobId,
    attempt,
    seq: 1,
    at: new Date().toISOString(),
    state: "cancelled",
    outputs: job?.outputs ?? {},
    error,
    ...(job?.startedAt !== undefined && { startedAt: job.startedAt }),
  };
}
