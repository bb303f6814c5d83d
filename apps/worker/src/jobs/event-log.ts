import {
  type EngineEvent,
  type JobEndEvent,
  type JobError,
  type JsonEvent,
  type Outputs,
  type ProgressTracker,
  type TerminalState,
  trackProgress,
} from "@rabbitloom/protocol";
import type { EventRoute } from "./event-route.ts";

/** The events of one attempt: numbered from 1 without a gap, and sent in that order. */
export interface EventLog {
  readonly lastSeq: number;
  readonly startedAt: string;
  readonly tracker: ProgressTracker;
  emit(event: EngineEvent): void;
  /** Everything so far, as one event more. */
  emitSnapshot(): void;
  /** Numbers the terminal event; nothing may be emitted after it. */
  end(facts: EndFacts): JobEndEvent;
  /** Sends the terminal event with what still waits before it; resolves when the broker has confirmed. */
  publishEnd(end: JobEndEvent): Promise<void>;
  /** Sends what waits, or throws it away, and stops. */
  close(rest: "send" | "drop"): void;
}

export interface EndFacts {
  readonly state: TerminalState;
  readonly outputs: Outputs;
  readonly error?: JobError | undefined;
}

export interface EventLogOptions {
  readonly jobId: string;
  readonly attempt: number;
  readonly nodeCount: number;
  readonly route: EventRoute;
  /** False: the first event waits for those that follow fast, too. @default true */
  readonly firstAtOnce?: boolean;
  /** Events could not be sent or written: the attempt cannot go on. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Small events that come fast travel together: after a message, the next one leaves this much later. Less than a
 * screen needs to show it, and a job of a few milliseconds is one or two messages even on a busy machine.
 */
const COALESCE_MS = 10;

export function openEventLog(options: EventLogOptions): EventLog {
  const { jobId, attempt, nodeCount, route, firstAtOnce = true, onFailure } = options;
  const startedAt = new Date().toISOString();
  const tracker = trackProgress(nodeCount);
  let lastSeq = 0;
  let waiting: JsonEvent[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isPatient = !firstAtOnce;
  let isClosed = false;

  const envelope = () => {
    lastSeq += 1;
    return { v: 1 as const, jobId, attempt, seq: lastSeq, at: new Date().toISOString() };
  };

  function flush(): void {
    const [first, ...rest] = waiting;
    waiting = [];
    if (first !== undefined) route.post([first, ...rest]);
  }

  function guarded(send: () => void): void {
    try {
      send();
    } catch (error) {
      isClosed = true;
      onFailure(error);
    }
  }

  function add(event: JsonEvent): void {
    waiting.push(event);
    if (timer !== undefined) return;
    if (!isPatient) guarded(flush);
    isPatient = false;
    const later = () => {
      timer = undefined;
      if (waiting.length === 0 || isClosed) return;
      guarded(flush);
      timer = setTimeout(later, COALESCE_MS);
    };
    timer = setTimeout(later, COALESCE_MS);
  }

  function stop(): void {
    isClosed = true;
    clearTimeout(timer);
  }

  return {
    get lastSeq() {
      return lastSeq;
    },
    startedAt,
    tracker,
    emit(event) {
      if (isClosed) return;
      tracker.note(event);
      if (event.type !== "node-preview") {
        add({ ...event, ...envelope() });
        return;
      }
      guarded(() => {
        flush();
        route.postPreview({ ...event, ...envelope() });
      });
    },
    emitSnapshot() {
      if (isClosed) return;
      const [nodes, outputs] = [tracker.nodes(), tracker.outputs()];
      add({ ...envelope(), type: "job-snapshot", state: "running", nodes, outputs });
    },
    end({ state, outputs, error }) {
      stop();
      return {
        ...envelope(),
        type: "job-end",
        state,
        outputs,
        ...(error !== undefined && { error }),
        startedAt,
      };
    },
    async publishEnd(end) {
      const [first = end, ...rest] = waiting;
      waiting = [];
      await route.publish(first === end ? [end] : [first, ...rest, end]);
    },
    close(rest) {
      stop();
      if (rest === "drop") waiting = [];
      else guarded(flush);
    },
  };
}
