import type { JobStore } from "@rabbitloom/jobs";
import {
  isCodedError,
  isTerminal,
  type JobEndEvent,
  type JobView,
  type JsonEvent,
} from "@rabbitloom/protocol";
import type { JobPublisher, ReplyStreams } from "../amqp/ports.ts";
import { endFromView } from "../events/end-of-job.ts";

/** Makes jobs' streams when somebody watches, and removes them when nobody can be watching any more. */
export interface StreamKeeper {
  /** Resolves when the stream holds everything a reader needs from here on. Throws NOT_FOUND or JOB_EXPIRED. */
  ensure(job: JobView): Promise<void>;
  /** Makes the stream of a job that is about to be published: it will hold the whole log. */
  begin(jobId: string): Promise<void>;
  /** Deletes the streams of jobs that ended `keepMs` ago, of any gateway. */
  sweep(): Promise<number>;
}

export interface StreamKeeperOptions {
  readonly store: Pick<JobStore, "view" | "noteStream" | "streams" | "forgetStream">;
  readonly streams: ReplyStreams;
  readonly publisher: JobPublisher;
  readonly keepMs: number;
  readonly now?: () => number;
}

export function streamKeeper(options: StreamKeeperOptions): StreamKeeper {
  const { store, streams, publisher, keepMs, now = Date.now } = options;
  const ensured = new Map<string, Promise<void>>();

  /** Noted first: a stream that nobody knows of would stay for ever. */
  async function make(jobId: string): Promise<void> {
    await store.noteStream(jobId);
    await streams.create(jobId);
  }

  async function open(jobId: string): Promise<void> {
    await make(jobId);
    // Looked at after the stream stands: what happens from here on is in it.
    const job = await store.view(jobId);
    if (job === undefined || job.state === "pending") return;
    if (job.state === "running") {
      await publisher.sendControl({ v: 1, type: "job-snapshot", jobId });
      return;
    }
    const end = endFromView(job);
    if (end !== undefined) await publisher.publishEvents(undefined, lastWords(end));
  }

  async function isOver(jobId: string): Promise<boolean> {
    try {
      const job = await store.view(jobId);
      if (job === undefined) return true;
      return isTerminal(job.state) && now() - Date.parse(job.endedAt ?? job.submittedAt) >= keepMs;
    } catch (error) {
      if (isCodedError(error) && error.code === "JOB_EXPIRED") return true;
      throw error;
    }
  }

  return {
    ensure({ id }) {
      const known = ensured.get(id);
      if (known !== undefined) return known;
      const opening = open(id);
      ensured.set(id, opening);
      opening.catch(() => ensured.delete(id));
      return opening;
    },
    async begin(jobId) {
      const opening = make(jobId);
      ensured.set(jobId, opening);
      await opening;
    },
    async sweep() {
      let deleted = 0;
      for (const jobId of await store.streams()) {
        if (!(await isOver(jobId))) continue;
        await streams.delete(jobId);
        await store.forgetStream(jobId);
        ensured.delete(jobId);
        deleted += 1;
      }
      return deleted;
    },
  };
}

/**
 * What a stream made after the end of its job holds: all that is still known. Both events bear the numbers that the
 * log ended with, so that a reader who saw the real end drops this one.
 */
function lastWords(end: JobEndEvent): readonly [JsonEvent, ...JsonEvent[]] {
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
