import type { JobStore } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";
import type { Limit } from "./guard.ts";

const WINDOW_MS = 60_000;

/** So many requests a key and minute, counted in Redis for all gateways together. Who is nobody's key is not counted. */
export function rateLimit(store: Pick<JobStore, "countRequest">, perMinute: number): Limit {
  return async ({ keyId }, reply) => {
    if (keyId === undefined) return;
    const { used, resetMs } = await store.countRequest(keyId, WINDOW_MS);
    const seconds = Math.max(1, Math.ceil(resetMs / 1000));
    reply
      .header("ratelimit-limit", perMinute)
      .header("ratelimit-remaining", Math.max(0, perMinute - used))
      .header("ratelimit-reset", seconds);
    if (used <= perMinute) return;
    throw new CodedError(
      "RATE_LIMITED",
      `expected at most ${perMinute} requests a minute of one key: the next in ${seconds} s`,
      { details: { retryAfterSeconds: seconds } },
    );
  };
}
