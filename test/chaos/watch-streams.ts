import { setTimeout as delay } from "node:timers/promises";
import type { ChaosFleet } from "./fleet.ts";
import type { SaidEvent } from "./history.ts";
import type { JobPlan } from "./job-plan.ts";
import { type Recorder, readStream } from "./recorder.ts";

export interface StreamWatch {
  add(plan: JobPlan): void;
  /** Streams by job, once every reader has come to its end or given up. */
  streams(): Promise<ReadonlyMap<string, readonly SaidEvent[]>>;
}

/** Longer than the fleet keeps the stream of a job that has ended. */
const PATIENCE_MS = 20_000;
/** A reading that has not come to the job's end by then is begun anew. */
const READ_MS = 4_000;

/** Reads the streams of watched jobs as soon as they have ended: soon after, the fleet deletes them. */
export function watchStreams(fleet: ChaosFleet, recorder: Recorder): StreamWatch {
  const streams = new Map<string, readonly SaidEvent[]>();
  const readers: Promise<void>[] = [];
  const over = new AbortController();

  async function read({ id }: JobPlan) {
    while (!recorder.hasEnded(id) && !over.signal.aborted) await delay(50);
    const giveUpAt = performance.now() + PATIENCE_MS;
    let unfinished = 0;
    while (performance.now() < giveUpAt) {
      try {
        const events = await readStream(fleet, id, AbortSignal.timeout(READ_MS));
        const isWhole = events.at(-1)?.type === "job-end";
        unfinished += 1;
        // One reading may have been slow.
        if (isWhole || unfinished > 1) streams.set(id, events);
        if (isWhole) return;
      } catch {
        // A server is away, or the stream has been deleted.
        await delay(500);
      }
    }
  }
  return {
    add(plan) {
      if (plan.watch) readers.push(read(plan));
    },
    async streams() {
      over.abort();
      await Promise.all(readers);
      return streams;
    },
  };
}
