import { isTerminal, type JobEndEvent, type JobView } from "@rabbitloom/protocol";

/** The last event of a job as its record tells it, for readers whom the event itself did not reach. */
export function endFromView(job: JobView): JobEndEvent | undefined {
  if (!isTerminal(job.state)) return undefined;
  return {
    v: 1,
    type: "job-end",
    jobId: job.id,
    attempt: job.attempt,
    seq: Math.max(1, job.lastSeq),
    at: job.endedAt ?? new Date().toISOString(),
    state: job.state,
    outputs: job.outputs ?? {},
    ...(job.error && { error: job.error }),
    ...(job.startedAt !== undefined && { startedAt: job.startedAt }),
  };
}
