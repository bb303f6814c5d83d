import type { JobEndEvent, JsonEvent } from "./events.ts";

/**
 * What is said of a job's end by somebody who has only its record: a snapshot that stands for all events before it, and the
 * end. Both bear the numbers that the log ended with, so that a reader who saw the real ones drops these.
 */
export function lastWords(end: JobEndEvent): readonly [JsonEvent, ...JsonEvent[]] {
  if (end.seq < 2) return [end];
  const { v, jobId, attempt, seq, at, state, outputs, error } = end;
  const snapshot: JsonEvent = {
    v,
    jobId,
    attempt,
    seq: seq - 1,
    at,
    type: "job-snapshot",
    state,
    nodes: {},
    outputs,
    ...(error && { error }),
  };
  return [snapshot, end];
}
