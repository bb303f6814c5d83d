import type { JobEndEvent, JobEvent, NodeReference } from "@rabbitloom/protocol";
import { executionError, executionInterrupted } from "../comfy/execution-messages.ts";
import { message, nodeText, type Outgoing, preview, rawMessage } from "./frames.ts";
import { NodeProgress } from "./node-progress.ts";
import { stateThrottle } from "./state-throttle.ts";

/** Asks for a `status` frame with the queue's size as it is when its turn comes. */
export type Translated = Outgoing | { readonly kind: "status" };

/** One job's events in ComfyUI's words. Holds what ComfyUI says again and again: how far every node is. */
export interface JobTranslation {
  /** In the order in which they have to go out. */
  translate(event: JobEvent): Translated[];
  /** The node that runs, for a client that has just come back. */
  readonly runningNode: string | undefined;
}

export function jobTranslation(jobId: string, now: () => number = Date.now): JobTranslation {
  const nodes = new NodeProgress(jobId);
  const throttle = stateThrottle(now);
  let attempt = 0;

  /** Small states are said at every change; large ones now and then, or their bytes would grow with the square. */
  function state(): Translated[] {
    return throttle.isDue(nodes.size) ? [rawMessage("progress_state", nodes.toJson())] : [];
  }

  function executing({ nodeId, displayNodeId }: NodeReference): Translated {
    return message("executing", {
      node: nodeId,
      display_node: displayNodeId ?? nodeId,
      prompt_id: jobId,
    });
  }

  function executed(node: NodeReference, output: unknown): Translated {
    const { nodeId, displayNodeId } = node;
    return message("executed", {
      node: nodeId,
      display_node: displayNodeId ?? nodeId,
      output,
      prompt_id: jobId,
    });
  }

  function outcome(event: JobEndEvent): Translated[] {
    const timestamp = Date.parse(event.at);
    if (event.state === "succeeded") {
      return [message("execution_success", { prompt_id: jobId, timestamp })];
    }
    const seen = { nodeId: nodes.running(), executed: nodes.finished() };
    const error = event.error ?? {
      code: "INTERNAL",
      message: `the job ended as ${event.state}`,
      retryable: false,
    };
    const facts = { jobId, error, timestamp, seen };
    return event.state === "cancelled"
      ? [message("execution_interrupted", executionInterrupted(facts))]
      : [message("execution_error", executionError(facts))];
  }

  function end(event: JobEndEvent): Translated[] {
    // Cancelled in the queue: ComfyUI says nothing of a prompt that never ran but that the queue has changed.
    if (event.startedAt === undefined && attempt === 0 && event.state === "cancelled") {
      return [{ kind: "status" }];
    }
    return [
      ...(throttle.hasHeldBack() ? [rawMessage("progress_state", nodes.toJson())] : []),
      ...outcome(event),
      { kind: "status" },
      message("executing", { node: null, prompt_id: jobId }),
    ];
  }

  return {
    get runningNode() {
      return nodes.running();
    },
    translate(event) {
      switch (event.type) {
        case "job-start":
          attempt = event.attempt;
          nodes.clear();
          return [
            { kind: "status" },
            message("execution_start", { prompt_id: jobId, timestamp: Date.parse(event.at) }),
          ];
        case "nodes-cached":
          return [
            message("execution_cached", {
              nodes: event.nodeIds,
              prompt_id: jobId,
              timestamp: Date.parse(event.at),
            }),
          ];
        case "node-start":
          nodes.set(event, { state: "running", value: 0, max: 1 });
          return [...state(), executing(event)];
        case "node-progress":
          nodes.set(event, { state: "running", value: event.value, max: event.max });
          return [
            ...state(),
            message("progress", {
              value: event.value,
              max: event.max,
              prompt_id: jobId,
              node: event.nodeId,
            }),
          ];
        case "node-text":
          return [nodeText(event.nodeId, event.text)];
        case "node-preview":
          return [preview(event)];
        case "node-output": {
          const said = executed(event, event.output);
          // A cached output node neither starts nor ends: its output is all there is.
          if (nodes.get(event.nodeId)?.state === "running") return [said];
          nodes.finish(event);
          return [said, ...state()];
        }
        case "node-end":
          if (nodes.get(event.nodeId)?.state === "finished") return [];
          nodes.finish(event);
          return state();
        case "node-blocked":
          return [
            message("execution_error", {
              prompt_id: jobId,
              node_id: event.nodeId,
              node_type: event.nodeType,
              executed: event.executed,
              exception_message: `Execution Blocked: ${event.message}`,
              exception_type: "ExecutionBlocked",
              traceback: [],
              current_inputs: [],
              current_outputs: [],
              timestamp: Date.parse(event.at),
            }),
          ];
        case "job-snapshot": {
          // Who asked for it may be another reader: one that has heard the job begin knows its node.
          const isNews = attempt === 0;
          attempt = event.attempt;
          for (const [nodeId, at] of Object.entries(event.nodes)) nodes.set({ nodeId }, at);
          if (nodes.size === 0) return [];
          const node = nodes.running();
          return [
            rawMessage("progress_state", nodes.toJson()),
            ...(isNews && node !== undefined ? [message("executing", { node })] : []),
          ];
        }
        case "job-gap":
          return [];
        case "job-end":
          return end(event);
      }
    },
  };
}
