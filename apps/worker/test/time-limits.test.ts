import type { CodedError } from "@rabbitloom/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { limitsOf, watchTime } from "../src/jobs/time-limits.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched(limits: Parameters<typeof watchTime>[1]) {
  const stopped: string[] = [];
  const time = watchTime(
    { stop: (reason: CodedError) => void stopped.push(`${reason.code}: ${reason.message}`) },
    limits,
  );
  return { stopped, time };
}

test("an attempt that runs too long is stopped, however much it says", () => {
  const { stopped, time } = watched({ runMs: 3_000, silenceMs: 1_000 });
  for (let said = 0; said < 6; said++) {
    vi.advanceTimersByTime(500);
    time.heard();
  }
  expect(stopped).toEqual(["RUN_DEADLINE: The job ran longer than 3 s."]);
});

test("silence counts from the last event, and what is over is not watched any more", () => {
  const { stopped, time } = watched({ runMs: 0, silenceMs: 1_000 });
  vi.advanceTimersByTime(900);
  time.heard();
  vi.advanceTimersByTime(900);
  expect(stopped).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(stopped).toEqual(["SILENCE_LIMIT: The job reported nothing for 1 s."]);

  const done = watched({ runMs: 1_000, silenceMs: 1_000 });
  done.time[Symbol.dispose]();
  vi.advanceTimersByTime(10_000);
  expect(done.stopped).toEqual([]);
});

test("a clock that is set forward stops nothing", () => {
  const { stopped } = watched({ runMs: 1_000, silenceMs: 1_000 });
  vi.setSystemTime(Date.now() + 86_400_000);
  vi.advanceTimersByTime(999);
  expect(stopped).toEqual([]);
});

test("a job may ask for less than the worker's limits, and for more up to what the worker allows", () => {
  const usual = { runMs: 0, silenceMs: 5_000 };
  const open = { usual, most: { runMs: 0, silenceMs: 0 } };
  expect(limitsOf(undefined, open)).toEqual(usual);
  expect(limitsOf({ runSeconds: 1.5 }, open)).toEqual({ runMs: 1_500, silenceMs: 5_000 });
  expect(limitsOf({ silenceSeconds: 20 }, open)).toEqual({ runMs: 0, silenceMs: 20_000 });

  const set = { runMs: 3_000, silenceMs: 5_000 };
  const week = { runSeconds: 604_800, silenceSeconds: 604_800 };
  expect(limitsOf(week, { usual: set, most: set })).toEqual(set);
  expect(limitsOf({ runSeconds: 1 }, { usual: set, most: set })).toEqual({ ...set, runMs: 1_000 });
});
