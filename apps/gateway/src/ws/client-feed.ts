import type { JobEvent } from "@rabbitloom/protocol";
import type { ClientSocket } from "./client-socket.ts";
import type { Outgoing } from "./frames.ts";
import { type JobTranslation, jobTranslation, type Translated } from "./job-translation.ts";

/**
 * One client's jobs, told one after the other.
 *
 * The fleet runs several jobs of a client at once, but ComfyUI runs one at a time, and its clients lean on that: some
 * do not look at `prompt_id`, others take a binary frame for the node named last. So the job that starts first has
 * the turn, and what the others say is held until its `executing: null` is out.
 */
export interface ClientFeed {
  /** The newest socket of the client: the one that hears. */
  socket: ClientSocket | undefined;
  handle(event: JobEvent): void;
  /** The node that runs in the job whose turn it is. */
  readonly runningNode: string | undefined;
  /** Jobs that have begun and not ended. */
  readonly jobIds: readonly string[];
  /** A job others wait for that has not said anything for so long: its end may have been lost. */
  silentTurn(silenceMs: number): string | undefined;
}

export interface ClientFeedOptions {
  /** Sends a `status` frame with the queue's size as it is now. */
  readonly sendStatus: (socket: ClientSocket) => Promise<void>;
  readonly now?: () => number;
}

interface FedJob {
  readonly translation: JobTranslation;
  readonly held: Translated[];
  hasEnded: boolean;
}

/** Of a job's results that are pictures, held for its turn; the oldest go first. */
const MOST_RESULT_BYTES = 134_217_728;

/**
 * What only the newest of is worth hearing once its turn comes: a step's picture, the state of all nodes, either of which may
 * be of megabytes, and how far one node is.
 */
function snapshotName(frame: Translated): string | undefined {
  if (frame.kind === "preview") return frame.isResult ? undefined : "preview";
  if (frame.kind !== "text") return undefined;
  return ["progress", "progress_state"].find((type) => frame.text.startsWith(`{"type": "${type}"`));
}

function resultBytes(frame: Translated): number {
  return frame.kind === "preview" && frame.isResult ? frame.sizeBytes : 0;
}

function dropOldResults(held: Translated[]): void {
  let bytes = held.reduce((sum, frame) => sum + resultBytes(frame), 0);
  while (bytes > MOST_RESULT_BYTES) {
    const [dropped] = held.splice(
      held.findIndex((frame) => resultBytes(frame) > 0),
      1,
    );
    if (dropped === undefined) return;
    bytes -= resultBytes(dropped);
  }
}

export function clientFeed({ sendStatus, now = Date.now }: ClientFeedOptions): ClientFeed {
  /** In the order of their starts; the first one has the turn. */
  const jobs = new Map<string, FedJob>();
  const outbox: Translated[] = [];
  let isSending = false;
  let heardAt = now();

  function turn(): string | undefined {
    const [first] = jobs.keys();
    return first;
  }

  function hold({ held }: FedJob, frames: readonly Translated[]): void {
    if (feed.socket === undefined) return;
    for (const frame of frames) {
      const name = snapshotName(frame);
      const older =
        name === undefined ? -1 : held.findLastIndex((each) => snapshotName(each) === name);
      if (older !== -1) held.splice(older, 1);
      held.push(frame);
      if (resultBytes(frame) > 0) dropOldResults(held);
    }
  }

  /** Passes the turn on, over jobs that have ended while they were held. */
  function next(): void {
    for (const [jobId, job] of jobs) {
      outbox.push(...job.held.splice(0));
      heardAt = now();
      if (!job.hasEnded) break;
      jobs.delete(jobId);
    }
    void send();
  }

  /** A status needs the store's answer; what comes after it waits, so that the order holds. */
  async function send(): Promise<void> {
    if (isSending) return;
    isSending = true;
    try {
      for (let frame = outbox.shift(); frame !== undefined; frame = outbox.shift()) {
        const { socket } = feed;
        if (socket === undefined) continue;
        if (frame.kind === "status") await sendStatus(socket);
        else socket.send(frame satisfies Outgoing);
      }
    } finally {
      isSending = false;
    }
  }

  const feed: ClientFeed = {
    socket: undefined,
    get runningNode() {
      const first = turn();
      return first === undefined ? undefined : jobs.get(first)?.translation.runningNode;
    },
    get jobIds() {
      return [...jobs.keys()];
    },
    handle(event) {
      const { jobId } = event;
      const known = jobs.get(jobId);
      const job = known ?? { translation: jobTranslation(jobId, now), held: [], hasEnded: false };
      const frames = job.translation.translate(event);
      if (event.type === "job-end") job.hasEnded = true;
      // Ended before it began: there is nothing that could get mixed up.
      const isOutOfTurn = known === undefined && job.hasEnded;
      if (!isOutOfTurn) jobs.set(jobId, job);
      if (isOutOfTurn || turn() === jobId) {
        heardAt = now();
        outbox.push(...frames);
        if (job.hasEnded && !isOutOfTurn) {
          jobs.delete(jobId);
          next();
        } else {
          void send();
        }
      } else {
        hold(job, frames);
      }
    },
    silentTurn(silenceMs) {
      return jobs.size > 1 && now() - heardAt >= silenceMs ? turn() : undefined;
    },
  };
  return feed;
}
