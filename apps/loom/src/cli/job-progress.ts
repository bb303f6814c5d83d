/** The part of an event that progress is drawn from: those of the fleet and of the embedded engine have it alike. */
export interface ProgressEvent {
  readonly type: string;
  readonly nodeId?: string | undefined;
  readonly nodeIds?: readonly string[] | undefined;
  readonly value?: number | undefined;
  readonly max?: number | undefined;
}

/** How much of a workflow is done, event by event: nodes that ended, and the running one by its own word. */
export function jobProgress(nodeCount: number): (event: ProgressEvent) => number {
  const done = new Set<string>();
  let share = 0;
  return (event) => {
    if (event.type === "node-end" && event.nodeId !== undefined) done.add(event.nodeId);
    for (const id of event.type === "nodes-cached" ? (event.nodeIds ?? []) : []) done.add(id);
    share = event.type === "node-progress" && event.max ? (event.value ?? 0) / event.max : 0;
    return Math.min(1, (done.size + share) / Math.max(1, nodeCount));
  };
}
