import {
  CodedError,
  type Cursor,
  isErrorCode,
  type JobEndEvent,
  type JobEvent,
  type JobView,
} from "@rabbitloom/protocol";
import type { JobOutput } from "./outputs.ts";

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface WatchOptions extends CallOptions {
  /** The last event that is known: the next one is the first given. @default from the job's first event */
  readonly after?: Cursor;
}

/** A job that was accepted. */
export interface JobHandle {
  readonly id: string;
  events(options?: WatchOptions): AsyncIterable<JobEvent>;
  /** Watches to the end. Throws the job's error where it did not succeed. */
  result(options?: WatchOptions): Promise<JobResult>;
  view(options?: CallOptions): Promise<JobView>;
  cancel(options?: CallOptions): Promise<void>;
}

export interface JobResult {
  readonly end: JobEndEvent;
  readonly files: readonly JobOutput[];
}

/** The end of a job, read off its events. Throws the job's error where it did not succeed. */
export async function endOf(jobId: string, events: AsyncIterable<JobEvent>): Promise<JobEndEvent> {
  for await (const event of events) {
    if (event.type !== "job-end") continue;
    if (event.state === "succeeded") return event;
    throw errorOfEnd(event);
  }
  throw new CodedError("CONNECTION_LOST", `job ${jobId}: its events ended before its end`);
}

/** What a job that did not succeed is thrown as; `details` has its state, failing node and node errors. */
export function errorOfEnd({ jobId, state, error }: JobEndEvent): CodedError {
  const fallback = { cancelled: "JOB_CANCELLED", dead: "JOB_DEAD" } as const;
  const code = isErrorCode(error?.code)
    ? error.code
    : state === "cancelled" || state === "dead"
      ? fallback[state]
      : "INTERNAL";
  return new CodedError(code, `job ${jobId}: ${error?.message ?? state}`, {
    details: {
      jobId,
      state,
      ...(error?.node && { node: error.node }),
      ...(error?.nodeErrors && { nodeErrors: error.nodeErrors }),
    },
  });
}
