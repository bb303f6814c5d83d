import { randomUUID } from "node:crypto";
import {
  ACK,
  DEAD_LETTER,
  type Publisher,
  retryAfter,
  type Settlement,
  type TurnDelivery,
} from "@rabbitloom/broker";
import type { Engine } from "@rabbitloom/engine";
import type { Claim, ClaimRequest, JobRecord, JobStore } from "@rabbitloom/jobs";
import {
  CodedError,
  isCodedError,
  isTerminal,
  type JobEndEvent,
  lastWords,
  retryPolicy,
  type Senders,
  type Topology,
} from "@rabbitloom/protocol";
import type { Logger } from "pino";
import { type AttemptResult, runAttempt } from "./attempt.ts";
import { type EventRoute, eventRoute } from "./event-route.ts";
import { untilAttemptIsOver } from "./held-delivery.ts";
import { buryMalformed } from "./malformed.ts";
import { type ReceivedJob, readJob } from "./read-job.ts";
import type { RunningJobs } from "./running-jobs.ts";
import { removeStaleFiles } from "./stale-files.ts";
import { untilStoreAnswers } from "./store-answers.ts";
import { tenantFolders } from "./tenant-folders.ts";
import type { WorkerLimits } from "./time-limits.ts";
import type { PathNames } from "./without-paths.ts";

export interface JobRunnerOptions {
  readonly store: JobStore;
  readonly publisher: Publisher;
  readonly names: Topology;
  readonly engine: Engine;
  readonly running: RunningJobs;
  readonly log: Logger;
  readonly workerId: string;
  readonly pool: string;
  /** Unit of the waits before a failed attempt's job is delivered again. */
  readonly retryMs: number;
  readonly limits: WorkerLimits;
  /** Where not everybody is believed whose a job is. */
  readonly senders?: Senders | undefined;
  readonly pathNames: PathNames;
  /** Other jobs wait: their sum counts more than the moment in which this one is seen to start. */
  readonly isBacklog: boolean;
  /** Aborted when deliveries that have not started are to be handed back. */
  readonly stopping: AbortSignal;
  /** Aborted when the worker takes no more jobs. */
  readonly draining: AbortSignal;
}

/** Whatever waits no longer than this between two attempts. */
const LONGEST_RETRY_MS = 60_000;

/**
 * Takes one delivery to its end. Resolves when the slot is free again: the result is committed by then, but its
 * event may still be on the way to the broker. `settled` resolves when the delivery has been settled as well.
 */
export async function runDelivery(
  options: JobRunnerOptions,
  delivery: TurnDelivery,
): Promise<{ readonly settled: Promise<void> }> {
  const { log } = options;
  let job: ReceivedJob;
  try {
    job = readJob(delivery, options);
  } catch (error) {
    await delivery.turn?.giveBack(false);
    log.warn({ messageId: delivery.messageId, err: error }, "not a job: dead-lettered");
    return { settled: buryMalformed(options, delivery, CodedError.from(error)) };
  }
  return runJob(options, delivery, job);
}

async function runJob(
  options: JobRunnerOptions,
  delivery: TurnDelivery,
  job: ReceivedJob,
): Promise<{ readonly settled: Promise<void> }> {
  const { store, publisher, names, engine, running, workerId, stopping } = options;
  const { isBacklog, limits, pathNames } = options;
  const { message } = job;
  const { jobId, gatewayId } = message;
  const log = options.log.child({ jobId });
  const { replyTo, correlationId } = delivery;
  const route = eventRoute({ publisher, names, jobId, gatewayId, replyTo, correlationId });

  const isFirstDelivery = !delivery.redelivered;
  if (running.ids().includes(jobId)) {
    await delivery.turn?.giveBack(false);
    if (!isFirstDelivery) return { settled: hold() };
    log.info("a second message of a job that runs here: dropped");
    delivery.settle(ACK);
    return DONE;
  }
  // Before the claim: a cancellation may come right after it.
  using handle = running.add(jobId);
  const request: ClaimRequest = {
    message,
    workerId,
    isFirstDelivery,
    token: randomUUID(),
    turn: delivery.turn,
    ...(replyTo !== undefined && { reply: { to: replyTo, correlationId } }),
  };
  const claim = await untilStoreAnswers(() => store.claim(request), { signal: stopping, log });
  if (claim === undefined) {
    await delivery.turn?.giveBack(false);
    delivery.settle(retryAfter(0));
    return DONE;
  }
  if (claim.type === "busy") return { settled: hold() };
  if (claim.type !== "claimed") return { settled: settleUnclaimed(claim) };

  const { attempt, staleFiles } = claim;
  if (attempt > 1) log.info({ attempt, staleFiles }, "taken over from an earlier attempt");
  await removeStaleFiles(tenantFolders(engine.folders, message.tenant), staleFiles, log);
  const result = await runAttempt({
    store,
    engine,
    log,
    route,
    handle,
    job,
    attempt,
    workerId,
    limits,
    pathNames,
    isBacklog,
  });
  return { settled: settle(result) };

  /** The broker took the message from an attempt that goes on: this delivery stands for it until it is over. */
  async function hold(): Promise<void> {
    log.info("its attempt is alive: the delivery is held");
    await untilAttemptIsOver({ store, jobId, log, signal: options.draining });
    const record = await untilStoreAnswers(() => recordOf(store, jobId), { signal: stopping, log });
    if (record === undefined || !isTerminal(record.state)) delivery.settle(retryAfter(0));
    else if (record.tenant !== message.tenant) await settleUnclaimed({ type: "foreign" });
    else await settleUnclaimed({ type: "ended", state: record.state, record });
  }

  async function settleUnclaimed(ended: Unclaimed): Promise<void> {
    const end = endOf(jobId, ended);
    log.info({ claim: ended.type, says: end !== undefined }, "delivered, but not to be run");
    if (end !== undefined) await announce(route, end);
    delivery.settle(ACK);
  }

  async function announce(to: EventRoute, end: JobEndEvent): Promise<void> {
    // Of its events some may have died with the worker that ran it.
    await to.publish(lastWords(end));
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
        const { error, faults } = outcome;
        const settlement = afterFailure(error.code, faults, options.retryMs);
        log.warn({ attempt, error, faults, settlement }, "attempt failed");
        delivery.settle(settlement);
        return;
      }
    }
  }
}

/** Pure: what becomes of a message whose attempt failed, the `faults`th of its job. */
export function afterFailure(code: string, faults: number, retryMs: number): Settlement {
  const policy = retryPolicy(code);
  if (policy === undefined || faults > policy.most) return DEAD_LETTER;
  return retryAfter(Math.min(retryMs * policy.pause * 2 ** (faults - 1), LONGEST_RETRY_MS));
}

type Unclaimed = Exclude<Claim, { type: "claimed" | "busy" }>;

/** Undefined where it is unknown or no longer kept. */
async function recordOf(store: JobStore, jobId: string): Promise<JobRecord | undefined> {
  try {
    return await store.find("every-tenant", jobId);
  } catch (error) {
    if (isCodedError(error) && error.code === "JOB_EXPIRED") return undefined;
    throw error;
  }
}

const DONE = { settled: Promise.resolve() };

/** The terminal event of a job that ended without running here; undefined where it is known to be out. */
function endOf(jobId: string, claim: Unclaimed): JobEndEvent | undefined {
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
    case "foreign":
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
