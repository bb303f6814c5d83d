import { CodedError, type ErrorCode, errorCodes, type JobError } from "@rabbitloom/protocol";

/** How a job ended badly, where no node is to blame. */
export function jobError(code: ErrorCode, message: string): JobError {
  return { code, message, retryable: errorCodes[code].retryable };
}

/** Of a job that has ended, nobody can say how. */
export function jobExpired(jobId: string): CodedError {
  return new CodedError("JOB_EXPIRED", `job ${jobId} ended, and its record is no longer kept`);
}
