import type { JobStore } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";
import type { Logger } from "pino";
import type { EventLog } from "./event-log.ts";
import type { ReceivedJob } from "./read-job.ts";
import type { RunningJob } from "./running-jobs.ts";

export interface ProgressReportsOptions {
  readonly store: Pick<JobStore, "reportProgress">;
  readonly job: ReceivedJob;
  readonly attempt: number;
  readonly handle: RunningJob;
  readonly events: EventLog;
  readonly log: Logger;
}

/** Also how long a lost cancellation or a take-over can stay unnoticed. */
const REPORT_EVERY_MS = 500;

/**
 * Tells the store now and then how far the attempt is, and stops the job where the store says so. A job of a few
 * milliseconds reports nothing.
 */
export function reportProgress(options: ProgressReportsOptions): Disposable {
  const { store, job, attempt, handle, events, log } = options;
  const { jobId } = job.message;

  async function report() {
    const { lastSeq, tracker } = events;
    try {
      const { isLive, isCancelRequested } = await store.reportProgress(jobId, attempt, {
        lastSeq,
        progress: tracker.progress(),
      });
      if (!isLive) handle.stop(new CodedError("CONFLICT", "another attempt has taken over"));
      else if (isCancelRequested) {
        handle.stop(new CodedError("JOB_CANCELLED", "The job was cancelled."));
      }
    } catch (err) {
      log.debug({ err }, "progress was not noted");
    }
  }

  let isOver = false;
  let timer = setTimeout(function tick() {
    void report().then(() => {
      if (!isOver) timer = setTimeout(tick, REPORT_EVERY_MS);
    });
  }, REPORT_EVERY_MS);
  return {
    [Symbol.dispose]() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
