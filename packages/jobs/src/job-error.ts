import { type ErrorCode, errorCodes, type JobError } from "@rabbitloom/protocol";

/** How a job ended badly, where no node is to blame. */
export function jobError(code: ErrorCode, message: string): JobError {
  return { code, message, retryable: errorCodes[code].retryable };
}
