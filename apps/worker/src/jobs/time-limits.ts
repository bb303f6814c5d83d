import { CodedError, type JobLimits } from "@rabbitloom/protocol";
import type { RunningJob } from "./running-jobs.ts";

/** Milliseconds; 0 is no limit. */
export interface AttemptLimits {
  readonly runMs: number;
  readonly silenceMs: number;
}

/** What a worker is set to. */
export interface WorkerLimits {
  /** Where a job says nothing. */
  readonly usual: AttemptLimits;
  /** Whatever a job says. */
  readonly most: AttemptLimits;
}

export interface TimeLimits extends Disposable {
  /** The engine has said something. */
  heard(): void;
}

/** What counts for one job: what it says itself, up to what the worker allows. */
export function limitsOf(
  limits: JobLimits | undefined,
  { usual, most }: WorkerLimits,
): AttemptLimits {
  const { runSeconds, silenceSeconds } = limits ?? {};
  return {
    runMs: runSeconds === undefined ? usual.runMs : atMost(runSeconds * 1_000, most.runMs),
    silenceMs:
      silenceSeconds === undefined
        ? usual.silenceMs
        : atMost(silenceSeconds * 1_000, most.silenceMs),
  };
}

function atMost(ms: number, most: number): number {
  return most > 0 ? Math.min(ms, most) : ms;
}

/** Stops an attempt that runs or is silent for too long. Timers run by a clock that nobody can set. */
export function watchTime(
  handle: Pick<RunningJob, "stop">,
  { runMs, silenceMs }: AttemptLimits,
): TimeLimits {
  const stop = (code: "RUN_DEADLINE" | "SILENCE_LIMIT", message: string) => () =>
    handle.stop(new CodedError(code, message));
  const running = startTimer(
    runMs,
    stop("RUN_DEADLINE", `The job ran longer than ${runMs / 1_000} s.`),
  );
  const silent = startTimer(
    silenceMs,
    stop("SILENCE_LIMIT", `The job reported nothing for ${silenceMs / 1_000} s.`),
  );
  return {
    heard: () => silent?.refresh(),
    [Symbol.dispose]() {
      clearTimeout(running);
      clearTimeout(silent);
    },
  };
}

function startTimer(ms: number, onTime: () => void): NodeJS.Timeout | undefined {
  return ms > 0 ? setTimeout(onTime, ms) : undefined;
}
