import type { Engine, RunOutcome } from "@rabbitloom/engine";
import type { JobStore } from "@rabbitloom/jobs";
import {
  CodedError,
  isCodedError,
  type JobEndEvent,
  type JobError,
  type NodeReference,
  outputFilesOf,
} from "@rabbitloom/protocol";
import type { Logger } from "pino";
import { comfyHistory } from "./comfy-history.ts";
import { type EventLog, openEventLog } from "./event-log.ts";
import type { EventRoute } from "./event-route.ts";
import { fileNames } from "./file-names.ts";
import { reportProgress } from "./progress-reports.ts";
import type { ReceivedJob } from "./read-job.ts";
import type { RunningJob } from "./running-jobs.ts";
import { removeUnfinished } from "./stale-files.ts";
import { untilStoreAnswers } from "./store-answers.ts";
import { tenantFolders } from "./tenant-folders.ts";
import { limitsOf, type WorkerLimits, watchTime } from "./time-limits.ts";
import { withdrawFiles } from "./withdraw-files.ts";
import { type PathNames, withoutPaths } from "./without-paths.ts";

export interface AttemptOptions {
  readonly store: JobStore;
  readonly engine: Engine;
  readonly log: Logger;
  readonly route: EventRoute;
  readonly handle: RunningJob;
  readonly job: ReceivedJob;
  readonly attempt: number;
  readonly workerId: string;
  readonly limits: WorkerLimits;
  /** Folders of this machine that no job's owner is told of. */
  readonly pathNames: PathNames;
  /** Events may wait a little from the first one on, so that those of a short job travel together. */
  readonly isBacklog: boolean;
}

export type AttemptResult =
  /** The outcome is in the store; `published` resolves when its event is out. */
  | { readonly type: "committed"; readonly published: Promise<void> }
  /** Another attempt has the job, or it has ended: nothing more is to be said. */
  | { readonly type: "superseded" }
  /** The job did nothing wrong and is pending again. */
  | { readonly type: "handed-back" }
  /** The attempt failed in a way that another one may not; the job is pending again. */
  | { readonly type: "failed"; readonly error: JobError; readonly faults: number };

/** Runs a claimed job and commits what came of it. */
export async function runAttempt(options: AttemptOptions): Promise<AttemptResult> {
  const { engine, job, attempt, handle, log, workerId } = options;
  const { message, promptJson } = job;
  const { jobId, tenant, extraData, targets } = message;
  const folders = tenantFolders(engine.folders, tenant);
  const nodeCount = Object.keys(message.prompt).length;
  const shown = new Map<string, NodeReference>();
  const names = fileNames({ ...options, folders, jobId });

  const events = openEventLog({
    jobId,
    attempt,
    nodeCount,
    route: options.route,
    firstAtOnce: !options.isBacklog,
    onFailure: (error) => handle.stop(CodedError.from(error)),
  });
  handle.onSnapshot = () => events.emitSnapshot();
  events.emit({ type: "job-start", workerId, nodeCount });

  let outcome: RunOutcome;
  {
    using _reports = reportProgress({ ...options, events });
    using time = watchTime(handle, limitsOf(message.limits, options.limits));
    outcome = await runSafely(engine, {
      jobId,
      prompt: promptJson,
      extraData,
      targets: targets ?? null,
      signal: handle.signal,
      folders,
      allocateNames: names.allocate,
      onEvent(event) {
        time.heard();
        if (event.type === "node-output" && event.output !== null) shown.set(event.nodeId, event);
        events.emit(event);
      },
    });
  }
  handle.onSnapshot = undefined;
  log.info({ attempt, state: outcome.state, code: outcome.error?.code }, "ran");
  if (outcome.error !== undefined) {
    log.debug({ attempt, error: outcome.error }, "failed");
    const own = Object.entries(folders).map(([name, folder]) => [folder, name] as const);
    const paths = new Map([...options.pathNames, ...own]);
    outcome = { ...outcome, error: withoutPaths(outcome.error, paths) };
  }
  // An engine that was killed could not sum up what it had shown.
  if (outcome.state === "cancelled") outcome = { ...outcome, outputs: events.tracker.outputs() };
  // An engine that was killed has left what it was writing.
  if (outcome.state !== "succeeded") {
    await removeUnfinished(folders, names.given, log).catch((err: unknown) => {
      log.warn({ err }, "could not remove unfinished files");
    });
  }
  const result = await conclude(options, { events, outcome, shown: [...shown.values()] });
  if (result.type === "superseded") {
    const saved = outputFilesOf(outcome.outputs).map(({ file }) => file);
    await withdrawFiles(options, folders, saved.filter(names.isOwn));
  }
  return result;
}

/** The engine's own failures become outcomes as well. */
async function runSafely(engine: Engine, job: Parameters<Engine["run"]>[0]): Promise<RunOutcome> {
  try {
    return await engine.run(job);
  } catch (cause) {
    const error = CodedError.from(cause);
    return { state: "failed", outputs: {}, error: toJobError(error) };
  }
}

interface Ran {
  readonly events: EventLog;
  readonly outcome: RunOutcome;
  readonly shown: readonly NodeReference[];
}

/** What is to be done with an outcome: a success counts even if it came too late to be stopped. */
async function conclude(options: AttemptOptions, ran: Ran): Promise<AttemptResult> {
  const { store, handle, job, attempt, log } = options;
  const { events, outcome } = ran;
  const { jobId } = job.message;
  const patient = { signal: NEVER, log };

  if (outcome.state === "succeeded") return commit(options, ran, { state: "succeeded" });
  const reason: unknown = handle.signal.aborted ? handle.signal.reason : undefined;
  if (isCodedError(reason)) {
    switch (reason.code) {
      case "JOB_CANCELLED":
        return commit(options, ran, {
          state: "cancelled",
          error: outcome.error ?? toJobError(reason),
        });
      case "CONFLICT":
        events.close("drop");
        log.warn({ attempt }, "another attempt has taken over: nothing is published");
        return { type: "superseded" };
      case "WORKER_DRAINING": {
        events.close("send");
        const wasLive = await untilStoreAnswers(() => store.release(jobId, attempt), patient);
        return wasLive ? { type: "handed-back" } : { type: "superseded" };
      }
      default: {
        const failure = { ...outcome.error, ...toJobError(reason) };
        return failure.retryable
          ? giveUp(failure)
          : commit(options, ran, { state: "failed", error: failure });
      }
    }
  }
  const error =
    outcome.error ?? toJobError(new CodedError("INTERNAL", "the engine gave no reason"));
  if (error.retryable) return giveUp(error);
  return commit(options, ran, { state: outcome.state, error });

  async function giveUp(failure: JobError): Promise<AttemptResult> {
    events.close("send");
    const released = await untilStoreAnswers(() => store.release(jobId, attempt, failure), patient);
    if (released === undefined) return { type: "superseded" };
    return { type: "failed", error: failure, faults: released.faults };
  }
}

async function commit(
  { store, job, attempt, log }: AttemptOptions,
  { events, outcome, shown }: Ran,
  { state, error }: Pick<JobEndEvent, "state" | "error">,
): Promise<AttemptResult> {
  const { jobId } = job.message;
  const { outputs } = outcome;
  const { startedAt, tracker } = events;
  const end = events.end({ state, outputs, error });
  const history = comfyHistory({
    jobId,
    end,
    startedAt,
    cachedNodeIds: tracker.cachedNodeIds,
    shown,
  });
  const isLive = await untilStoreAnswers<boolean | "forgotten">(
    () =>
      store
        .finish(jobId, attempt, {
          state,
          outputs,
          lastSeq: end.seq,
          history,
          ...(error !== undefined && { error }),
        })
        .catch(whereForgotten),
    { signal: NEVER, log },
  );
  if (isLive === "forgotten") {
    log.error({ attempt }, "the store has lost the job's record: it is run again");
    return { type: "handed-back" };
  }
  if (isLive !== true) {
    log.warn({ attempt }, "another attempt or a cancellation came first: nothing is published");
    return { type: "superseded" };
  }
  return { type: "committed", published: events.publishEnd(end) };
}

function toJobError({ code, message, isRetryable }: CodedError): JobError {
  return { code, message, retryable: isRetryable };
}

function whereForgotten(error: unknown): "forgotten" {
  if (isCodedError(error) && error.code === "NOT_FOUND") return "forgotten";
  throw error;
}

const NEVER = new AbortController().signal;
