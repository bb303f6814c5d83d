import { CodedError, isCodedError, isErrorCode } from "@rabbitloom/protocol";
import { readSafely, shortened, thrownText } from "../nodes/thrown.ts";
import type { SentError } from "./messages.ts";

/** Makes whatever was thrown fit for another process. */
export function sendError(cause: unknown): SentError {
  const message = thrownText(cause);
  const unreadable = { ...UNCODED, name: "Error", message, stack: "" };
  return readSafely(() => sendKnown(cause, message)) ?? unreadable;
}

function sendKnown(cause: unknown, message: string): SentError | undefined {
  if (!(cause instanceof Error)) return undefined;
  const stack = shortened(cause.stack ?? "");
  if (!isCodedError(cause)) {
    return { ...UNCODED, name: cause.constructor.name, message, stack };
  }
  const { name, code, isRetryable } = cause;
  return { name, message, stack, code, isRetryable, details: plain(cause.details) };
}

const UNCODED = { code: null, isRetryable: false, details: {} };

/** The same error here, with the name and stack that it had there. */
export function receiveError({ name, message, stack, code, ...options }: SentError): Error {
  const error = isErrorCode(code) ? new CodedError(code, message, options) : new Error(message);
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
