import type { EngineEvent, JsonEvent } from "./events.ts";
import type { JobProgress } from "./job.ts";
import type { Outputs } from "./prompt.ts";

type SnapshotEvent = Extract<JsonEvent, { type: "job-snapshot" }>;
type NodeStates = SnapshotEvent["nodes"];

/** What one attempt has said so far, summed up. */
export interface ProgressTracker {
  /** Takes an event in; call it for every one, in order. */
  note(event: EngineEvent): void;
  progress(): JobProgress;
  nodes(): NodeStates;
  outputs(): Outputs;
  readonly cachedNodeIds: readonly string[];
}

export function trackProgress(nodeCount: number): ProgressTracker {
  const nodes = new Map<string, NodeStates[string]>();
  const outputs = new Map<string, Outputs[string]>();
  const done = new Set<string>();
  let cachedNodeIds: readonly string[] = [];
  let current:
    | { readonly nodeId: string; readonly value: number; readonly max: number }
    | undefined;

  function note(event: EngineEvent): void {
    switch (event.type) {
      case "nodes-cached":
        cachedNodeIds = event.nodeIds;
        for (const id of event.nodeIds) finish(id);
        break;
      case "node-start":
        nodes.set(event.nodeId, { state: "running", value: 0, max: 1 });
        current = { nodeId: event.displayNodeId ?? event.nodeId, value: 0, max: 1 };
        break;
      case "node-progress": {
        const { value, max } = event;
        nodes.set(event.nodeId, { state: "running", value, max });
        current = { nodeId: event.displayNodeId ?? event.nodeId, value, max };
        break;
      }
      case "node-output":
        if (event.output !== null) outputs.set(event.displayNodeId ?? event.nodeId, event.output);
        break;
      case "node-end":
        finish(event.nodeId);
        break;
      case "node-blocked":
        nodes.set(event.nodeId, { state: "error", value: 0, max: 1 });
        break;
      case "job-start":
      case "node-text":
      case "node-preview":
        break;
    }
  }

  function finish(id: string): void {
    const max = nodes.get(id)?.max ?? 1;
    nodes.set(id, { state: "finished", value: max, max });
    done.add(id);
  }

  function progress(): JobProgress {
    const nodesDone = Math.min(done.size, nodeCount);
    const share = current === undefined || current.max <= 0 ? 0 : current.value / current.max;
    const isRunning = current !== undefined && nodes.get(current.nodeId)?.state === "running";
    const sum = nodesDone + (isRunning ? Math.min(Math.max(share, 0), 1) : 0);
    return {
      fraction: nodeCount === 0 ? 0 : Math.min(sum / nodeCount, 1),
      nodesDone,
      nodeCount,
      ...current,
    };
  }

  return {
    note,
    progress,
    nodes: () => Object.fromEntries(nodes),
    outputs: () => Object.fromEntries(outputs),
    get cachedNodeIds() {
      return cachedNodeIds;
    },
  };
}
