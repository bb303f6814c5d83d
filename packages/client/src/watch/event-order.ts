import { type Cursor, isAfter, type JobEvent } from "@rabbitloom/protocol";

/** Puts what arrives into the job's own order: each event once, older attempts fenced, gaps announced. */
export interface EventOrder {
  /** The last event given. */
  readonly position: Cursor;
  /**
   * What the reader gets for one event that arrived: nothing where it was seen or fenced, the event, or
   * a `job-gap` and the event where numbers are missing before it.
   */
  take(event: JobEvent): readonly JobEvent[];
}

/** `attempt` 0 is the job before any worker claimed it. */
export const START: Cursor = { attempt: 0, seq: 0 };

export function eventOrder(after: Cursor = START): EventOrder {
  let position = after.seq === 0 ? START : after;
  /** The gateway announced a gap itself; its snapshot may carry the number of the gap's last event. */
  let isSnapshotDue = false;

  const nextSeq = (attempt: number) => (attempt === position.attempt ? position.seq + 1 : 1);

  return {
    get position() {
      return position;
    },
    take(event) {
      if (event.attempt < position.attempt) return [];

      if (event.type === "job-gap") {
        const end = { attempt: event.attempt, seq: event.to };
        if (!isAfter(end, position)) return [];
        position = end;
        isSnapshotDue = true;
        return [event];
      }

      const isDueSnapshot = event.type === "job-snapshot" && isSnapshotDue;
      // Said once and by whoever commits, so its number is never a reason to drop it.
      const isEnd = event.type === "job-end";
      if (!isAfter(event, position) && !isEnd && !isDueSnapshot) return [];

      const expected = nextSeq(event.attempt);
      isSnapshotDue = false;
      position = { attempt: event.attempt, seq: Math.max(event.seq, expected - 1) };
      return event.seq > expected ? [gapBefore(event, expected), event] : [event];
    },
  };
}

function gapBefore(event: JobEvent, from: number): JobEvent {
  const { v, jobId, attempt, at, seq } = event;
  return { v, jobId, attempt, at, type: "job-gap", seq: seq - 1, from, to: seq - 1 };
}
