import { setTimeout as delay } from "node:timers/promises";
import { isCodedError } from "@rabbitloom/protocol";
import type { Logger } from "pino";

export interface StoreAnswersOptions {
  /** Gives up when aborted. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;

/**
 * Asks the store until it answers: while Redis is away, a delivery is held rather than handed back, for each
 * time that it is handed back brings it nearer to the dead letters. Undefined when the signal aborts first.
 */
export async function untilStoreAnswers<Answer>(
  ask: () => Promise<Answer>,
  { signal, log }: StoreAnswersOptions,
): Promise<Answer | undefined> {
  for (
    let retryMs = FIRST_RETRY_MS;
    !signal.aborted;
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
  ) {
    try {
      return await ask();
    } catch (error) {
      if (!isCodedError(error) || error.code !== "STORE_UNAVAILABLE") throw error;
      log.warn({ err: error, retryMs }, "the store does not answer");
    }
    await delay(retryMs, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
