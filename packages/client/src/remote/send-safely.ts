import { type CodedError, type ErrorCode, isCodedError } from "@rabbitloom/protocol";
import { type BackoffOptions, backoffDefaults, backoffDelayMs } from "../backoff.ts";
import { delay } from "../delay.ts";
import type { Http, RequestOptions } from "../http/http.ts";

export interface SafeSendOptions extends RequestOptions {
  readonly backoff?: BackoffOptions | undefined;
}

/** What says nothing about the request itself: the same one may get through a moment later. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  "CONNECTION_LOST",
  "QUEUE_FULL",
  "RATE_LIMITED",
  "BROKER_UNAVAILABLE",
  "STORE_UNAVAILABLE",
  "NO_WORKER",
]);

/**
 * Sends until there is an answer, with one `Idempotency-Key` for all tries: however often it is sent, there is one job
 * at most. Throws what the gateway refuses for good, and the last error once `maxFailures` is reached.
 */
export async function sendSafely(
  http: Http,
  path: string,
  { backoff = {}, ...options }: SafeSendOptions,
): Promise<Response> {
  const { maxFailures } = { ...backoffDefaults, ...backoff };
  const headers = { "idempotency-key": randomKey(), ...options.headers };
  let failures = 0;
  for (;;) {
    try {
      const response = await http.send(path, { ...options, headers });
      // Read to its end here: an answer that breaks off is asked for again.
      const body = await http.whole(response, path, options.signal);
      return new Response(body.byteLength === 0 ? null : body, response);
    } catch (error) {
      if (!isCodedError(error) || !isPassing(error)) throw error;
      // The first try is still being answered: that is no failure, however long it takes.
      if (error.code !== "IDEMPOTENCY_IN_FLIGHT") failures += 1;
      if (failures >= maxFailures) throw error;
      await delay(pauseMs(error, failures, backoff), options.signal);
    }
  }
}

/** A failed job has codes of its own, some of them retryable, but its answer is final. */
function isPassing({ code, details }: CodedError): boolean {
  if (code === "IDEMPOTENCY_IN_FLIGHT") return true;
  return PASSING.has(code) && details.status !== 500;
}

function pauseMs({ details }: CodedError, failures: number, backoff: BackoffOptions): number {
  const told = details.retryAfterSeconds;
  const backoffMs = backoffDelayMs(Math.max(1, failures), backoff);
  return typeof told === "number" ? Math.max(told * 1000, backoffMs) : backoffMs;
}

/** Not randomUUID: pages that came over plain http have none. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
