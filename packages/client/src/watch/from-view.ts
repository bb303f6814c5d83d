/** Events made of the gateway's record of a job, for where the log itself is no longer held. */
import {
  type Cursor,
  isTerminal,
  type JobEndEvent,
  type JobEvent,
  type JobView,
} from "@rabbitloom/protocol";

/** The end of a job whose last events cannot be read: a gap where numbers are missing, then the end. */
export function endFromView(view: JobView, position: Cursor): readonly JobEvent[] {
  if (!isTerminal(view.state)) return [];
  const attempt = Math.max(view.attempt, position.attempt);
  const expected = attempt === position.attempt ? position.seq + 1 : 1;
  const seq = Math.max(view.lastSeq, expected);
  const common = { v: 1, jobId: view.id, attempt, at: view.endedAt ?? now() } as const;
  const end: JobEndEvent = {
    ...common,
    type: "job-end",
    seq,
    state: view.state,
    outputs: view.outputs ?? {},
    ...(view.error && { error: view.error }),
    ...(view.startedAt !== undefined && { startedAt: view.startedAt }),
  };
  if (seq === expected) return [end];
  return [{ ...common, type: "job-gap", seq: seq - 1, from: expected, to: seq - 1 }, end];
}

/** What the record knows at a gap. It holds no state of single nodes but the running one's. */
export function snapshotFromView(view: JobView, position: Cursor): JobEvent {
  const { nodeId, value = 0, max = 1 } = view.progress ?? {};
  return {
    v: 1,
    jobId: view.id,
    attempt: position.attempt,
    seq: position.seq,
    at: now(),
    type: "job-snapshot",
    state: view.state,
    nodes: nodeId === undefined ? {} : { [nodeId]: { state: "running", value, max } },
    outputs: view.outputs ?? {},
    ...(view.error && { error: view.error }),
  };
}

const now = () => new Date().toISOString();
