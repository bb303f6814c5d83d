import { type Cursor, isAfter, type JobEndEvent, type JobEvent } from "@rabbitloom/protocol";

export type EventListener = (event: JobEvent, word: string) => void;
export type EndListener = (event: JobEndEvent | undefined) => void;

/**
 * Hands events to whoever waits for them. Each event passes once and in order: repeats, and what an attempt still
 * says after a later one was heard, are dropped here.
 */
export interface JobHub {
  deliver(word: string, events: readonly JobEvent[]): void;
  /** A job begins: what was heard of an earlier one of this id, which is forgotten, no longer counts. */
  begin(jobId: string): void;
  /** Every event of every job. */
  onEvent(listener: EventListener): Disposable;
  /** The end of one job, once; undefined where nobody can say any more how it ended. */
  onEnd(jobId: string, listener: EndListener): Disposable;
  /** Tells whoever waits for the job's end that it has ended, and that its record is no longer kept. */
  giveUp(jobId: string): void;
  /** Jobs somebody waits for. */
  awaited(): string[];
}

/** Ended jobs remembered, so that a straggler of theirs is known as one. */
const ENDED_KEPT = 10_000;
/** Jobs whose last number is remembered: more can hardly run at once. */
const CURSORS_KEPT = 100_000;

export function jobHub(): JobHub {
  const listeners = new Set<EventListener>();
  const endListeners = new Map<string, Set<EndListener>>();
  const cursors = new Map<string, Cursor>();
  /** When, as the event said it. */
  const ended = new Map<string, string>();

  function isNews(event: JobEvent): boolean {
    const { jobId, attempt, seq, type } = event;
    const endedAt = ended.get(jobId);
    if (endedAt !== undefined) {
      if (type !== "job-start" || event.at <= endedAt) return false;
      // A new job of this id, taken in by another gateway.
      ended.delete(jobId);
    }
    const cursor = cursors.get(jobId);
    // An end may be made up from the record, which knows its attempt but not always its number.
    const isOld =
      type === "job-end" ? attempt < (cursor?.attempt ?? 0) : cursor && !isAfter(event, cursor);
    if (isOld) return false;
    if (type === "job-end") {
      cursors.delete(jobId);
      ended.set(jobId, event.at);
      const [oldest] = ended.keys();
      if (ended.size > ENDED_KEPT && oldest !== undefined) ended.delete(oldest);
    } else {
      cursors.set(jobId, { attempt, seq });
      const [oldest] = cursors.keys();
      if (cursors.size > CURSORS_KEPT && oldest !== undefined) cursors.delete(oldest);
    }
    return true;
  }

  function end(jobId: string, event: JobEndEvent | undefined): void {
    const waiting = endListeners.get(jobId);
    endListeners.delete(jobId);
    for (const listener of waiting ?? []) listener(event);
  }

  return {
    deliver(word, events) {
      for (const event of events) {
        if (!isNews(event)) continue;
        for (const listener of listeners) listener(event, word);
        if (event.type === "job-end") end(event.jobId, event);
      }
    },
    begin(jobId) {
      ended.delete(jobId);
      cursors.delete(jobId);
    },
    onEvent(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    onEnd(jobId, listener) {
      const waiting = endListeners.get(jobId) ?? new Set();
      waiting.add(listener);
      endListeners.set(jobId, waiting);
      return {
        [Symbol.dispose]() {
          waiting.delete(listener);
          if (waiting.size === 0 && endListeners.get(jobId) === waiting) endListeners.delete(jobId);
        },
      };
    },
    giveUp: (jobId) => end(jobId, undefined),
    awaited: () => [...endListeners.keys()],
  };
}
