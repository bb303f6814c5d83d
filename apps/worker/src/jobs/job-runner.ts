import { ACK, type OpenDelivery, type Publisher, retryAfter } from "@rabbitloom/broker";
import type { Engine } from "@rabbitloom/engine";
import type { Claim, JobStore } from "@rabbitloom/jobs";
import {
  CodedError,
  type JobEndEvent,
  type JobQueueOptions,
  type Topology,
} from "@rabbitloom/protocol";
import type { Logger } from "pino";
import { type AttemptResult, runAttempt } from "./attempt.ts";
import { type EventRoute, eventRoute } from "./event-route.ts";
import { buryMalformed } from "./malformed.ts";
import { type ReceivedJob, readJob } from "./read-job.ts";
import type { RunningJobs } from "./running-jobs.ts";
import { removeStaleFiles } from "./stale-files.ts";
import { untilStoreAnswers } from "./store-answers.ts";

export interface JobRunnerOptions {
  readonly store: JobStore;
  readonly publisher: Publisher;
  readonly names: Topology;
  readonly engine: Engine;
  readonly running: RunningJobs;
  readonly log: Logger;
  readonly workerId: string;
  readonly pool: string;
  /** Wait before a failed attempt's job is delivered again; twice as long for each delivery before it. */
  readonly retryMs: number;
  readonly queueLimits: JobQueueOptions;
  /** Other jobs wait: their sum counts more than the moment in which this one is seen to start. */
  readonly isBacklog: boolean;
  /** Aborted when deliveries that have not started are to be handed back. */
  readonly stopping: AbortSignal;
}

/** Whatever waits no longer than this between two attempts. */
const LONGEST_RETRY_MS = 60_000;

/**
 * Takes one delivery to its end. Resolves when the slot is free again: the result is committed by then, but its
 * event may still be on the way to the broker. `settled` resolves when the delivery has been settled as well.
 */
export async function runDelivery(
  options: JobRunnerOptions,
  delivery: OpenDelivery,
): Promise<{ readonly settled: Promise<void> }> {
  const { names, pool, log } = options;
  let job: ReceivedJob;
  try {
    job = readJob(delivery, { names, pool });
  } catch (error) {
    log.warn({ messageId: delivery.messageId, err: error }, "not a job: dead-lettered");
    return { settled: buryMalformed(options, delivery, CodedError.from(error)) };
  }
  return runJob(options, delivery, job);
}

async function runJob(
  options: JobRunnerOptions,
  delivery: OpenDelivery,
  job: ReceivedJob,
): Promise<{ readonly settled: Promise<void> }> {
  const { store, publisher, names, engine, running, workerId, stopping, isBacklog } = options;
  const { message } = job;
  const { jobId, gatewayId } = message;
  const log = options.log.child({ jobId });
  const { replyTo, correlationId } = delivery;
  const route = eventRoute({ publisher, names, jobId, gatewayId, replyTo, correlationId });

  const isFirstDelivery = !delivery.redelivered;
  if (isFirstDelivery && running.ids().includes(jobId)) {
    log.info("a second message of a job that runs here: dropped");
    delivery.settle(ACK);
    return DONE;
  }
  // Before the claim: a cancellation may come right after it.
  using handle = running.add(jobId);
  const claim = await untilStoreAnswers(() => store.claim({ message, workerId, isFirstDelivery }), {
    signal: stopping,
    log,
  });
  if (claim === undefined) {
    delivery.settle(retryAfter(0));
    return DONE;
  }
  if (claim.type !== "claimed") return { settled: settleUnclaimed(claim) };

  const { attempt, staleFiles } = claim;
  if (attempt > 1) log.info({ attempt, staleFiles }, "taken over from an earlier attempt");
  await removeStaleFiles(engine.folders, staleFiles, log);
  const result = await runAttempt({
    store,
    engine,
    log,
    route,
    handle,
    job,
    attempt,
    workerId,
    isBacklog,
  });
  return { settled: settle(result) };

  async function settleUnclaimed(ended: Exclude<Claim, { type: "claimed" }>): Promise<void> {
    const end = endOf(jobId, ended);
    log.info({ claim: ended.type, says: end !== undefined }, "delivered, but not to be run");
    if (end !== undefined) await announce(route, end);
    delivery.settle(ACK);
  }

  async function announce(to: EventRoute, end: JobEndEvent): Promise<void> {
    await to.publish([end]);
    await store.noteAnnounced(jobId, end.attempt).catch((err: unknown) => {
      log.warn({ err }, "could not note that the end was said");
    });
  }

  async function settle(outcome: AttemptResult): Promise<void> {
    switch (outcome.type) {
      case "committed":
        await outcome.published;
        delivery.settle(ACK);
        return;
      case "superseded":
        delivery.settle(ACK);
        return;
      case "handed-back":
        delivery.settle(retryAfter(0));
        return;
      case "failed": {
        const delayMs = retryDelayMs(delivery.deliveryCount, options);
        log.warn({ attempt, error: outcome.error, delayMs }, "attempt failed: to be tried again");
        delivery.settle(retryAfter(delayMs));
        return;
      }
    }
  }
}

/** Nobody waits for the last return of a job: it makes it a dead letter. */
function retryDelayMs(
  deliveryCount: number,
  {
    retryMs,
    queueLimits: { deliveryLimit = 3 },
  }: Pick<JobRunnerOptions, "retryMs" | "queueLimits">,
): number {
  if (deliveryCount >= deliveryLimit) return 0;
  return Math.min(retryMs * 2 ** deliveryCount, LONGEST_RETRY_MS);
}

const DONE = { settled: Promise.resolve() };

/** The terminal event of a job that ended without running here; undefined where it is known to be out. */
function endOf(jobId: string, claim: Exclude<Claim, { type: "claimed" }>): JobEndEvent | undefined {
  const at = new Date().toISOString();
  const envelope = { v: 1 as const, type: "job-end" as const, jobId, at };
  switch (claim.type) {
    case "cancelled":
    case "expired": {
      const state = claim.type === "cancelled" ? "cancelled" : "failed";
      const { attempt, error } = claim;
      return { ...envelope, attempt, seq: 1, state, outputs: {}, error };
    }
    case "duplicate":
      return undefined;
    case "ended": {
      const { record, state } = claim;
      if (record === undefined || state === undefined || record.isAnnounced) return undefined;
      // The same numbers as the first time: whoever has read it drops the repetition.
      const { attempt, lastSeq, outputs = {}, error, startedAt } = record;
      return {
        ...envelope,
        attempt,
        seq: lastSeq,
        state,
        outputs,
        ...(error !== undefined && { error }),
        ...(startedAt !== undefined && { startedAt }),
      };
    }
  }
}
