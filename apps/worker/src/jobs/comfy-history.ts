import type { JobEndEvent, NodeReference } from "@rabbitloom/protocol";

export interface HistoryFacts {
  readonly jobId: string;
  readonly end: JobEndEvent;
  readonly startedAt: string;
  readonly cachedNodeIds: readonly string[];
  /** Nodes that showed something. */
  readonly shown: readonly NodeReference[];
}

/** What ComfyUI's `/history` says about a job beyond its outputs: `meta`, and the messages of `status`. */
export function comfyHistory(facts: HistoryFacts): Record<string, unknown> {
  const { jobId, end, startedAt, cachedNodeIds, shown } = facts;
  const prompt_id = jobId;
  const timestamp = Date.parse(startedAt);
  return {
    meta: Object.fromEntries(shown.map((node) => [node.displayNodeId ?? node.nodeId, meta(node)])),
    messages: [
      ["execution_start", { prompt_id, timestamp }],
      ["execution_cached", { nodes: cachedNodeIds, prompt_id, timestamp }],
      lastMessage(prompt_id, end),
    ],
  };
}

function meta(node: NodeReference) {
  return {
    node_id: node.nodeId,
    display_node: node.displayNodeId ?? node.nodeId,
    parent_node: node.parentNodeId ?? null,
    real_node_id: node.realNodeId ?? node.nodeId,
  };
}

function lastMessage(prompt_id: string, { at, state, error }: JobEndEvent): unknown[] {
  const timestamp = Date.parse(at);
  if (state === "succeeded") return ["execution_success", { prompt_id, timestamp }];
  const node = error?.node;
  const where = {
    prompt_id,
    node_id: node?.nodeId ?? null,
    node_type: node?.nodeType ?? null,
    executed: error?.executed ?? [],
  };
  if (state === "cancelled") return ["execution_interrupted", { ...where, timestamp }];
  return [
    "execution_error",
    {
      ...where,
      exception_message: error?.message ?? "",
      exception_type: node?.exceptionType ?? error?.code ?? "",
      traceback: node?.traceback ?? [],
      current_inputs: node?.inputs ?? {},
      current_outputs: node?.outputs ?? [],
      timestamp,
    },
  ];
}
