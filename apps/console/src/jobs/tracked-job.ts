import type { Client } from "@rabbitloom/client";
import { CodedError, isTerminal, type JobEvent } from "@rabbitloom/protocol";
import { afterEvent, type JobProgress, UNSTARTED } from "./job-progress.ts";
import type { SavedJob } from "./saved-jobs.ts";

/** One line of the event log: an event without the bytes of its picture. */
export type LogEntry = Exclude<JobEvent, { type: "node-preview" }> | LoggedPreview;
export interface LoggedPreview extends Omit<Extract<JobEvent, { type: "node-preview" }>, "image"> {
  readonly sizeBytes: number;
}

export interface Preview {
  /** An object URL, revoked when the next one comes. */
  readonly url: string;
  readonly nodeId: string;
}

/** A job that the page follows. */
export interface TrackedJob {
  readonly facts: SavedJob;
  readonly progress: JobProgress;
  readonly log: readonly LogEntry[];
  readonly preview: Preview | undefined;
  /** Why the events stopped coming before the end. */
  readonly failure: CodedError | undefined;
  /** Reads the log again where it failed. */
  retry(): void;
  cancel(): Promise<void>;
  stop(): void;
}

/** Follows a job from its first event. `onChange` is told at most once a frame's time. */
export function trackJob(client: Client, facts: SavedJob, onChange: () => void): TrackedJob {
  const log: LogEntry[] = [];
  const stopped = new AbortController();
  let progress = UNSTARTED;
  let preview: Preview | undefined;
  let failure: CodedError | undefined;
  let changing: ReturnType<typeof setTimeout> | undefined;

  const changed = () => {
    changing ??= setTimeout(() => {
      changing = undefined;
      onChange();
    }, 16);
  };

  const take = (event: JobEvent) => {
    progress = afterEvent(progress, event);
    log.push(withoutPicture(event));
    if (event.type === "node-preview") showPreview(event);
    changed();
  };

  const showPreview = (event: Extract<JobEvent, { type: "node-preview" }>) => {
    if (preview) URL.revokeObjectURL(preview.url);
    const blob = new Blob([new Uint8Array(event.image)], { type: event.contentType });
    preview = { url: URL.createObjectURL(blob), nodeId: event.displayNodeId ?? event.nodeId };
  };

  const follow = async () => {
    const last = log.at(-1);
    const after = last && { attempt: last.attempt, seq: last.seq };
    const { signal } = stopped;
    try {
      const events = client.watch(facts.id, { signal, ...(after && { after }) });
      for await (const event of events) take(event);
    } catch (cause) {
      if (signal.aborted) return;
      failure = CodedError.from(cause);
      changed();
    }
  };
  void follow();

  return {
    facts,
    get progress() {
      return progress;
    },
    log,
    get preview() {
      return preview;
    },
    get failure() {
      return failure;
    },
    retry() {
      if (!failure || isTerminal(progress.state)) return;
      failure = undefined;
      changed();
      void follow();
    },
    cancel: () => client.cancel(facts.id, { signal: stopped.signal }),
    stop() {
      stopped.abort();
      clearTimeout(changing);
      if (preview) URL.revokeObjectURL(preview.url);
    },
  };
}

function withoutPicture(event: JobEvent): LogEntry {
  if (event.type !== "node-preview") return event;
  const { image, ...facts } = event;
  return { ...facts, sizeBytes: image.byteLength };
}
