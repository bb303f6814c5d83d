import { CodedError } from "@rabbitloom/protocol";

/** One job that this worker has taken, from before its claim to the end of its run. */
export interface RunningJob extends Disposable {
  readonly jobId: string;
  /** Aborted with a CodedError that says why. */
  readonly signal: AbortSignal;
  stop(reason: CodedError): void;
  /** Set while events can be asked for. */
  onSnapshot: (() => void) | undefined;
}

/** The jobs that this worker has in its hands, by id. */
export interface RunningJobs {
  add(jobId: string): RunningJob;
  /** Stops this job if it is here; never another one. */
  cancel(jobId: string): boolean;
  snapshot(jobId: string): void;
  stopAll(reason: CodedError): void;
  ids(): string[];
}

export function runningJobs(): RunningJobs {
  const jobs = new Map<string, RunningJob>();

  return {
    add(jobId) {
      const controller = new AbortController();
      const job: RunningJob = {
        jobId,
        signal: controller.signal,
        stop: (reason) => controller.abort(reason),
        onSnapshot: undefined,
        [Symbol.dispose]() {
          if (jobs.get(jobId) === job) jobs.delete(jobId);
        },
      };
      jobs.set(jobId, job);
      return job;
    },
    cancel(jobId) {
      const job = jobs.get(jobId);
      job?.stop(new CodedError("JOB_CANCELLED", "The job was cancelled."));
      return job !== undefined;
    },
    snapshot: (jobId) => jobs.get(jobId)?.onSnapshot?.(),
    stopAll(reason) {
      for (const job of jobs.values()) job.stop(reason);
    },
    ids: () => [...jobs.keys()],
  };
}
