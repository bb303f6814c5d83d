import { setTimeout as delay } from "node:timers/promises";
import type { JobStore } from "@rabbitloom/jobs";
import type { Logger } from "pino";
import { untilStoreAnswers } from "./store-answers.ts";

export interface HeldDeliveryOptions {
  readonly store: Pick<JobStore, "isAttemptAlive">;
  readonly jobId: string;
  readonly log: Logger;
  /** Gives up holding when aborted: the worker drains. */
  readonly signal: AbortSignal;
}

/** An attempt that has died is noticed this much later at most. */
const LOOK_EVERY_MS = 500;

/**
 * Resolves when the attempt that runs the job elsewhere has ended or died. Meanwhile the broker believes that the job
 * is being worked on, as it is.
 */
export async function untilAttemptIsOver(options: HeldDeliveryOptions): Promise<void> {
  const { store, jobId, log, signal } = options;
  while (!signal.aborted) {
    const ask = () => store.isAttemptAlive(jobId);
    if ((await untilStoreAnswers(ask, { signal, log })) !== true) return;
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}
