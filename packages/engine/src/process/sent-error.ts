import { CodedError, isCodedError, isErrorCode } from "@rabbitloom/protocol";
import type { SentError } from "./messages.ts";

/** Makes whatever was thrown fit for another process. */
export function sendError(cause: unknown): SentError {
  if (!(cause instanceof Error)) {
    return { name: "Error", message: String(cause), stack: "", code: null, details: {} };
  }
  const { message, stack = "" } = cause;
  if (!isCodedError(cause)) {
    return { name: cause.constructor.name, message, stack, code: null, details: {} };
  }
  return { name: cause.name, message, stack, code: cause.code, details: plain(cause.details) };
}

/** The same error here, with the name and stack that it had there. */
export function receiveError({ name, message, stack, code, details }: SentError): Error {
  const error = isErrorCode(code) ? new CodedError(code, message, { details }) : new Error(message);
  Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true });
  if (!isErrorCode(code)) {
    Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  }
  return error;
}

/** Details are promised to be plain JSON; what is not would break the channel. */
function plain(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    const copy: unknown = JSON.parse(JSON.stringify(details));
    return typeof copy === "object" && copy !== null ? { ...copy } : {};
  } catch {
    return {};
  }
}
