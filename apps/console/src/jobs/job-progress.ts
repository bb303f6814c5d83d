import type { JobError, JobEvent, JobState, Outputs } from "@rabbitloom/protocol";

export interface NodeProgress {
  readonly state: "cached" | "running" | "finished" | "blocked" | "error";
  readonly value: number;
  readonly max: number;
  readonly text?: string;
}

/** What a job's events say of it so far. */
export interface JobProgress {
  readonly state: JobState;
  readonly attempt: number;
  readonly workerId: string | undefined;
  readonly nodeCount: number;
  /** By the id of the user's node, in the order in which they began. */
  readonly nodes: ReadonlyMap<string, NodeProgress>;
  readonly outputs: Outputs;
  readonly error: JobError | undefined;
  readonly startedAt: string | undefined;
  readonly endedAt: string | undefined;
}

export const UNSTARTED: JobProgress = {
  state: "pending",
  attempt: 0,
  workerId: undefined,
  nodeCount: 0,
  nodes: new Map(),
  outputs: {},
  error: undefined,
  startedAt: undefined,
  endedAt: undefined,
};

/** The job after one more event. A new attempt begins anew. */
export function afterEvent(before: JobProgress, event: JobEvent): JobProgress {
  const job = event.attempt > before.attempt ? { ...UNSTARTED, attempt: event.attempt } : before;
  switch (event.type) {
    case "job-start": {
      const { workerId, nodeCount, at } = event;
      return { ...job, state: "running", workerId, nodeCount, startedAt: at };
    }
    case "nodes-cached":
      return event.nodeIds.reduce((so, id) => withNode(so, id, { state: "cached" }), job);
    case "node-start":
      return withNode(job, shownOn(event), { state: "running" });
    case "node-progress": {
      const { value, max } = event;
      return withNode(job, shownOn(event), { state: "running", value, max });
    }
    case "node-text":
      return withNode(job, shownOn(event), { text: event.text });
    case "node-output":
      return event.output === null
        ? job
        : { ...job, outputs: { ...job.outputs, [shownOn(event)]: event.output } };
    case "node-end":
      return withNode(job, shownOn(event), { state: "finished" });
    case "node-blocked":
      return withNode(job, shownOn(event), { state: "blocked", text: event.message });
    case "job-snapshot": {
      const nodes = new Map([...job.nodes, ...Object.entries(event.nodes)]);
      const { state, outputs, error } = event;
      return { ...job, state, nodes, outputs: { ...job.outputs, ...outputs }, error };
    }
    case "job-end":
      return ended(job, event);
    case "node-preview":
    case "job-gap":
      return job;
  }
}

/** How much is done, 0 to 1: finished nodes, and the part of those that run. */
export function fractionDone({ state, nodes, nodeCount }: JobProgress): number {
  if (state === "succeeded") return 1;
  const total = Math.max(nodeCount, nodes.size);
  if (total === 0) return 0;
  const done = [...nodes.values()].reduce((sum, node) => sum + nodeFraction(node), 0);
  return Math.min(1, done / total);
}

/** A node of an expansion is shown on the node that the user sees. */
function shownOn(event: { readonly nodeId: string; readonly displayNodeId?: string | undefined }) {
  return event.displayNodeId ?? event.nodeId;
}

function nodeFraction({ state, value, max }: NodeProgress): number {
  if (state !== "running") return 1;
  return max > 0 ? Math.min(1, value / max) : 0;
}

function withNode(job: JobProgress, id: string, change: Partial<NodeProgress>): JobProgress {
  const known: NodeProgress = job.nodes.get(id) ?? { state: "running", value: 0, max: 1 };
  return { ...job, nodes: new Map(job.nodes).set(id, { ...known, ...change }) };
}

function ended(job: JobProgress, event: Extract<JobEvent, { type: "job-end" }>): JobProgress {
  const { state, error, outputs, at, startedAt = job.startedAt } = event;
  const end = { ...job, state, error, outputs, startedAt, endedAt: at };
  if (error?.node) return withNode(end, error.node.nodeId, { state: "error" });
  return end;
}
