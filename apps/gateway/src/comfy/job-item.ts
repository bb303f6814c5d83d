import type { JobRecord } from "@rabbitloom/jobs";
import { isTerminal, type JobState, type Outputs } from "@rabbitloom/protocol";
import { isObject } from "../http/json-body.ts";
import { executionError } from "./execution-messages.ts";
import { withoutSecrets } from "./extra-data.ts";
import { historyStatus } from "./history-entry.ts";

export const jobStatuses = ["pending", "in_progress", "completed", "failed", "cancelled"] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** States of ours behind each of ComfyUI's words. */
export const statesOf = {
  pending: ["pending"],
  in_progress: ["running"],
  completed: ["succeeded"],
  failed: ["failed", "dead"],
  cancelled: ["cancelled"],
} as const satisfies Readonly<Record<JobStatus, readonly JobState[]>>;

const statusOf: Readonly<Record<JobState, JobStatus>> = {
  pending: "pending",
  running: "in_progress",
  succeeded: "completed",
  failed: "failed",
  dead: "failed",
  cancelled: "cancelled",
};

/** A job as newer versions of ComfyUI list it. Times in milliseconds since 1970. */
export function jobItem(job: JobRecord) {
  const { count, preview } = outputsSummary(job.outputs ?? {});
  const endedAt = milliseconds(job.endedAt);
  const workflowId = workflowIdOf(job);
  const startedAt = milliseconds(job.startedAt);
  const hasFailed = statusOf[job.state] === "failed";
  return {
    id: job.id,
    status: statusOf[job.state],
    priority: job.number,
    create_time: Date.parse(job.submittedAt),
    ...(startedAt !== undefined && { execution_start_time: startedAt }),
    ...(endedAt !== undefined && { execution_end_time: endedAt }),
    ...(hasFailed && endedAt !== undefined && { execution_error: errorOf(job, endedAt) }),
    outputs_count: count,
    ...(preview !== undefined && { preview_output: preview }),
    ...(workflowId !== undefined && { workflow_id: workflowId }),
  };
}
export type JobItem = ReturnType<typeof jobItem>;

/** The same with everything that the list leaves out; what runs still has no outputs to tell. */
export function jobDetail(job: JobRecord): Record<string, unknown> {
  return {
    ...jobItem(job),
    ...(isTerminal(job.state) && {
      outputs: job.outputs ?? {},
      execution_status: historyStatus(job),
    }),
    workflow: { prompt: job.prompt, extra_data: withoutSecrets(job.extraData) },
  };
}

export function workflowIdOf({ extraData }: JobRecord): string | undefined {
  const { extra_pnginfo } = extraData;
  const workflow = isObject(extra_pnginfo) ? extra_pnginfo.workflow : undefined;
  const id = isObject(workflow) ? workflow.id : undefined;
  return typeof id === "string" ? id : undefined;
}

function errorOf({ id: jobId, error }: JobRecord, timestamp: number) {
  const unknown = { code: "INTERNAL", message: "the job failed", retryable: false };
  return executionError({ jobId, error: error ?? unknown, timestamp });
}

/** How many things the outputs name, and the one to show: a saved one before a temporary one. */
function outputsSummary(outputs: Outputs) {
  let count = 0;
  let preview: Record<string, unknown> | undefined;
  for (const [nodeId, output] of Object.entries(outputs)) {
    for (const [mediaType, items] of Object.entries(output)) {
      if (!Array.isArray(items)) continue;
      for (const item of items.filter(isObject)) {
        count += 1;
        if (!canBeShown(mediaType, item) || preview?.type === "output") continue;
        if (preview === undefined || item.type === "output") {
          preview = { ...item, nodeId, mediaType };
        }
      }
    }
  }
  return { count, preview };
}

const SHOWN_MEDIA = ["images", "video", "audio"];
const SHOWN_3D = /\.(obj|fbx|gltf|glb)$/i;

function canBeShown(mediaType: string, { format, filename }: Record<string, unknown>): boolean {
  return (
    SHOWN_MEDIA.includes(mediaType) ||
    (typeof format === "string" && /^(video|audio)\//.test(format)) ||
    (typeof filename === "string" && SHOWN_3D.test(filename))
  );
}

function milliseconds(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}
