import type { NodeReference } from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";

export type NodeState = "running" | "finished" | "error";

export interface NodeAt {
  readonly state: NodeState;
  readonly value: number;
  readonly max: number;
}

/**
 * How far every node of a job is, as ComfyUI's `progress_state` shows it. Each node's JSON is written only when the
 * node changes, so that saying the whole state again is no more than joining texts.
 */
export class NodeProgress {
  readonly #jobId: string;
  readonly #nodes = new Map<string, NodeAt & { readonly json: string }>();

  constructor(jobId: string) {
    this.#jobId = jobId;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get(nodeId: string): NodeAt | undefined {
    return this.#nodes.get(nodeId);
  }

  set(node: NodeReference, at: NodeAt): void {
    const json = stringifyJson(
      {
        value: at.value,
        max: at.max,
        state: at.state,
        node_id: node.nodeId,
        prompt_id: this.#jobId,
        display_node_id: node.displayNodeId ?? node.nodeId,
        parent_node_id: node.parentNodeId ?? null,
        real_node_id: node.realNodeId ?? node.nodeId,
      },
      { form: "python" },
    );
    this.#nodes.set(node.nodeId, { ...at, json });
  }

  /** Every node's end is its own `max`; one that told no steps ends at 1 of 1. */
  finish(node: NodeReference): void {
    const max = this.#nodes.get(node.nodeId)?.max ?? 1;
    this.set(node, { state: "finished", value: max, max });
  }

  clear(): void {
    this.#nodes.clear();
  }

  /** The node that began last and has not ended. */
  running(): string | undefined {
    let running: string | undefined;
    for (const [id, { state }] of this.#nodes) if (state === "running") running = id;
    return running;
  }

  finished(): string[] {
    return [...this.#nodes].flatMap(([id, { state }]) => (state === "finished" ? [id] : []));
  }

  /** The data of a `progress_state` message. */
  toJson(): string {
    const nodes = [...this.#nodes].map(
      ([id, { json }]) => `${stringifyJson(id, { form: "python" })}: ${json}`,
    );
    return `{"prompt_id": ${stringifyJson(this.#jobId)}, "nodes": {${nodes.join(", ")}}}`;
  }
}
