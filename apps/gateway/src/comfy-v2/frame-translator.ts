import type { JobRecord } from "@rabbitloom/jobs";
import {
  type Cursor,
  isAfter,
  isTerminal,
  type JobEvent,
  type JobProgress,
  type JobView,
  type Outputs,
  type PreviewEvent,
  trackProgress,
} from "@rabbitloom/protocol";
import { progressOf, statusOf } from "./job-object.ts";
import { type ShownOutput, shownOutputs } from "./output-assets.ts";
import type { V2Progress, V2Status } from "./schemas.ts";

/** What readers of a job's events are told. Progress and previews are snapshots: only the newest matters. */
export type Frame =
  | {
      readonly event: "status";
      readonly status: V2Status;
      readonly queuePosition: number | undefined;
    }
  | { readonly event: "progress"; readonly progress: V2Progress }
  | { readonly event: "preview"; readonly preview: PreviewEvent }
  | { readonly event: "output"; readonly output: ShownOutput };

/** Turns the log of one job into frames. Progress never goes back, not even in a second attempt. */
export interface FrameTranslator {
  /** What a reader hears at once. After a terminal status, that was all. */
  opening(): Frame[];
  take(event: JobEvent): Frame[];
  /** The record as it is now: a place in the queue, or a cancellation under way. */
  see(view: JobView): Frame[];
}

export function frameTranslator(job: JobRecord): FrameTranslator {
  const nodeCount = job.progress?.nodeCount ?? Object.keys(job.prompt).length;
  const told = new Set<string>();
  let tracker = trackProgress(nodeCount);
  let last: Cursor = { attempt: 0, seq: 0 };
  let said: { readonly status?: V2Status; readonly queuePosition?: number | undefined } = {};
  let highest = 0;

  function status(next: V2Status, queuePosition?: number): Frame[] {
    if (said.status === next && said.queuePosition === queuePosition) return [];
    said = { status: next, queuePosition };
    return [{ event: "status", status: next, queuePosition }];
  }
  /** A cancel that is under way is not undone by what the worker still says. */
  const running = () => status(said.status === "canceling" ? "canceling" : "running");

  function progress(current: JobProgress = tracker.progress()): Frame[] {
    const shown = progressOf(current, (id) => job.prompt[id]?.class_type);
    highest = Math.max(highest, shown.value);
    return [{ event: "progress", progress: { ...shown, value: highest } }];
  }
  function outputs(shown: Outputs): Frame[] {
    const fresh = shownOutputs(job.id, shown).filter(({ id }) => !told.has(id));
    return fresh.map((output) => {
      told.add(output.id);
      return { event: "output", output };
    });
  }
  const see = (view: JobView) => status(statusOf(view), placeInQueue(view));

  function translate(event: JobEvent): Frame[] {
    switch (event.type) {
      case "job-gap":
        return [];
      case "job-snapshot":
        for (const [nodeId, { state, value, max }] of Object.entries(event.nodes)) {
          if (state === "finished") tracker.note({ type: "node-end", nodeId });
          else tracker.note({ type: "node-progress", nodeId, value, max });
        }
        return isTerminal(event.state)
          ? []
          : [...running(), ...progress(), ...outputs(event.outputs)];
      case "job-end":
        if (event.state === "succeeded") highest = 1;
        return [
          ...progress(),
          ...outputs(event.outputs),
          ...status(statusOf({ ...job, state: event.state })),
        ];
      case "node-preview":
        return [{ event: "preview", preview: event }];
      case "node-output": {
        tracker.note(event);
        const nodeId = event.displayNodeId ?? event.nodeId;
        return event.output === null ? [] : outputs({ [nodeId]: event.output });
      }
      default:
        tracker.note(event);
        return [...running(), ...progress()];
    }
  }

  return {
    opening() {
      if (isTerminal(job.state)) return [...outputs(job.outputs ?? {}), ...see(job)];
      return [...see(job), ...(job.progress === undefined ? [] : progress(job.progress))];
    },
    take(event) {
      const isNews =
        event.type === "job-end" ? event.attempt >= last.attempt : isAfter(event, last);
      if (!isNews) return [];
      if (event.attempt > last.attempt && last.attempt > 0) tracker = trackProgress(nodeCount);
      last = { attempt: event.attempt, seq: event.seq };
      return translate(event);
    },
    see: (view) => (isTerminal(view.state) ? [] : see(view)),
  };
}

/** From 1. */
function placeInQueue({ state, queuePosition }: JobView): number | undefined {
  return state === "pending" && queuePosition !== undefined ? queuePosition + 1 : undefined;
}
