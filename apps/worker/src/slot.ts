import type { LaneSource, TurnDelivery } from "@rabbitloom/broker";
import { retryAfter } from "@rabbitloom/broker";
import { CodedError } from "@rabbitloom/protocol";
import type { Logger } from "pino";

export interface SlotOptions {
  readonly source: LaneSource;
  /** Takes one delivery to the point where the slot is free; what it returns ends when the delivery is settled. */
  readonly run: (
    delivery: TurnDelivery,
    facts: SlotFacts,
  ) => Promise<{ readonly settled: Promise<void> }>;
  /** Aborted when no more jobs are to be taken. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

export interface SlotFacts {
  /** The job had to wait for the slot, and others probably do. */
  readonly isBacklog: boolean;
}

/** A job that comes this soon after the slot has become free was there already; a guess, a few trips to the broker. */
const BACKLOG_MS = 5;

/** Jobs whose results are on their way to the broker while the slot works on; with more, it waits. */
const MOST_UNSETTLED = 8;

/** Runs jobs one after another until told to stop. Resolves when everything that it took has been settled. */
export async function runSlot({ source, run, stopping, log }: SlotOptions): Promise<void> {
  const unsettled = new Set<Promise<void>>();

  async function take(delivery: TurnDelivery, facts: SlotFacts): Promise<void> {
    try {
      const { settled } = await run(delivery, facts);
      const tail = settled.catch((err: unknown) => fail(delivery, err));
      unsettled.add(tail);
      void tail.finally(() => unsettled.delete(tail));
    } catch (err) {
      fail(delivery, err);
    }
  }

  function fail(delivery: TurnDelivery, err: unknown) {
    log.error(
      { err, messageId: delivery.messageId },
      "a job could not be settled: it is tried again",
    );
    delivery.settle(retryAfter(CodedError.from(err).isRetryable ? 1_000 : 0));
  }

  while (!stopping.aborted) {
    let delivery: TurnDelivery;
    const freeAt = performance.now();
    try {
      delivery = await source.next(stopping);
    } catch {
      break;
    }
    // It came in the moment of stopping.
    if (stopping.aborted) {
      delivery.settle(retryAfter(0));
      await delivery.turn?.giveBack(false);
    } else await take(delivery, { isBacklog: performance.now() - freeAt < BACKLOG_MS });
    if (unsettled.size >= MOST_UNSETTLED) await Promise.race(unsettled);
  }
  await Promise.all(unsettled);
}
