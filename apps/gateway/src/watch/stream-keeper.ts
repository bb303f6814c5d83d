import type { JobStore } from "@rabbitloom/jobs";
import { isCodedError, isTerminal, type JobView, lastWords } from "@rabbitloom/protocol";
import type { JobPublisher, ReplyStreams } from "../amqp/ports.ts";
import { endFromView } from "../events/end-of-job.ts";
import { eachTried } from "../recover/each-tried.ts";
import { unchangedFor } from "../recover/unchanged-for.ts";

/** Makes jobs' streams when somebody watches, and removes them when nobody can be watching any more. */
export interface StreamKeeper {
  /** Resolves when the stream holds everything a reader needs from here on. Throws NOT_FOUND or JOB_EXPIRED. */
  ensure(job: JobView): Promise<void>;
  /** Makes the stream of a job that is about to be published: it will hold the whole log. */
  begin(jobId: string): Promise<void>;
  /** Deletes what an earlier job of this id has left, before the new one is published. */
  discard(jobId: string): Promise<void>;
  /** Deletes the streams of jobs that have ended, of any gateway, once this one has seen so for `keepMs`. */
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
  const { store, streams, publisher, keepMs, now = () => performance.now() } = options;
  const ensured = new Map<string, Promise<void>>();
  const over = unchangedFor(now);

  /** Noted first: a stream that nobody knows of would stay for ever. */
  async function make(jobId: string): Promise<void> {
    await store.noteStream(jobId);
    await streams.create(jobId);
  }

  async function open(jobId: string): Promise<void> {
    await make(jobId);
    // Looked at after the stream stands: what happens from here on is in it.
    const job = await store.view("every-tenant", jobId);
    if (job === undefined || job.state === "pending") return;
    if (job.state === "running") {
      await publisher.sendControl({ v: 1, type: "job-snapshot", jobId });
      return;
    }
    // A stream that is made after the end holds all that is still known.
    const end = endFromView(job);
    if (end !== undefined) await publisher.publishEvents(undefined, lastWords(end));
  }

  async function discard(jobId: string): Promise<void> {
    await streams.delete(jobId);
    await store.forgetStream(jobId);
    ensured.delete(jobId);
  }

  /** A job that is unknown may be on the broker all the same: Redis has forgotten everything. */
  async function isOver(jobId: string): Promise<boolean> {
    try {
      const job = await store.view("every-tenant", jobId);
      return job === undefined || isTerminal(job.state);
    } catch (error) {
      if (isCodedError(error) && error.code === "JOB_EXPIRED") return true;
      throw error;
    }
  }

  /** What failed is tried again by whoever comes next. */
  function keepUnlessFailed(jobId: string, opening: Promise<void>): Promise<void> {
    ensured.set(jobId, opening);
    opening.catch(() => {
      if (ensured.get(jobId) === opening) ensured.delete(jobId);
    });
    return opening;
  }

  return {
    ensure({ id }) {
      const known = ensured.get(id);
      if (known !== undefined) return known;
      return keepUnlessFailed(id, open(id));
    },
    begin: (jobId) => keepUnlessFailed(jobId, make(jobId)),
    discard,
    async sweep() {
      // Those that this gateway made itself are known even where Redis has forgotten them.
      const ended: string[] = [];
      for (const jobId of new Set([...(await store.streams()), ...ensured.keys()])) {
        if (await isOver(jobId)) ended.push(jobId);
      }
      let deleted = 0;
      // One that fails is tried again at the next sweep.
      await eachTried(over.look(ended, String, keepMs), async (jobId) => {
        await discard(jobId);
        deleted += 1;
      });
      return deleted;
    },
  };
}
