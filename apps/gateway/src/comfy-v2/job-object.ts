import type { JobError, JobProgress, JobState, JobView } from "@rabbitloom/protocol";
import type { TenantFolders } from "../files/tenant-folders.ts";
import { outputSize, type ShownOutput, shownOutputs } from "./output-assets.ts";
import type { V2Job, V2Output, V2Progress, V2Status } from "./schemas.ts";

/** What answers need to know beside the job. */
export interface V2Place {
  readonly foldersOf: TenantFolders;
  /** `https://host[:port]`, without a slash at the end. */
  readonly baseUrl: string;
  /** How long ended jobs are kept. */
  readonly keepMs: number;
}

const statuses: Readonly<Record<JobState, V2Status>> = {
  pending: "queued",
  running: "running",
  succeeded: "succeeded",
  failed: "failed",
  cancelled: "canceled",
  dead: "failed",
};

export function statusOf({ state, isCancelRequested }: JobView): V2Status {
  return state === "running" && isCancelRequested ? "canceling" : statuses[state];
}

/** The job as Comfy API v2 shows it: enough to follow it and to get its results by asking alone. */
export async function jobObject(job: JobView, place: V2Place): Promise<V2Job> {
  const { id, submittedAt, startedAt, endedAt, queuePosition } = job;
  const self = `/api/v2/jobs/${id}`;
  return {
    id,
    status: statusOf(job),
    created_at: submittedAt,
    started_at: startedAt ?? null,
    completed_at: endedAt ?? null,
    expires_at: expiryOf(job, place),
    queue_position: queuePosition === undefined ? null : queuePosition + 1,
    progress: job.progress === undefined ? null : progressOf(job.progress),
    outputs: await outputObjects(job, place),
    error: job.error === undefined || job.state === "cancelled" ? null : errorOf(job.error),
    metrics: {
      queue_ms: between(submittedAt, startedAt),
      execution_ms: between(startedAt, endedAt),
    },
    // Relative to the host: the SDK sends its token only where the origin is its own.
    urls: { self, events: `${self}/events`, cancel: `${self}/cancel` },
  };
}

export function expiryOf(
  { submittedAt, endedAt }: Pick<JobView, "submittedAt" | "endedAt">,
  { keepMs }: V2Place,
): string {
  return new Date(Date.parse(endedAt ?? submittedAt) + keepMs).toISOString();
}

export function progressOf(
  { fraction, nodesDone, nodeCount, nodeId, value, max }: JobProgress,
  classOf?: (nodeId: string) => string | undefined,
): V2Progress {
  const isStepped = value !== undefined && max !== undefined && Number.isInteger(value);
  return {
    value: fraction,
    nodes_done: nodesDone,
    nodes_total: nodeCount,
    current_node: nodeId ?? null,
    current_node_class: (nodeId !== undefined && classOf?.(nodeId)) || null,
    step: isStepped ? value : null,
    steps: isStepped && Number.isInteger(max) ? max : null,
  };
}

export function outputObjects(job: JobView, place: V2Place): Promise<V2Output[]> {
  const shown = shownOutputs(job.id, job.outputs ?? {});
  return Promise.all(shown.map((output) => outputObject(output, job, place)));
}

export async function outputObject(
  output: ShownOutput,
  job: JobView,
  place: V2Place,
): Promise<V2Output> {
  return {
    node_id: output.nodeId,
    name: output.name,
    type: output.type,
    content_type: output.contentType,
    size_bytes: await outputSize(place.foldersOf(job.tenant), output),
    id: output.id,
    hash: null,
    url: contentUrl(output.id, place),
    url_expires_at: expiryOf(job, place),
    job_id: job.id,
  };
}

export function contentUrl(assetId: string, { baseUrl }: V2Place): string {
  return `${baseUrl}/api/v2/assets/${encodeURIComponent(assetId)}/content`;
}

function errorOf({ code, message, node }: JobError): NonNullable<V2Job["error"]> {
  return {
    code: code === "NODE_FAILED" ? "node_execution_error" : code.toLowerCase(),
    message,
    node_id: node?.nodeId ?? null,
    class_type: node?.nodeType ?? null,
    traceback: node === undefined ? null : node.traceback.join(""),
  };
}

function between(from: string | undefined, to: string | undefined): number | null {
  if (from === undefined || to === undefined) return null;
  return Math.max(0, Date.parse(to) - Date.parse(from));
}
