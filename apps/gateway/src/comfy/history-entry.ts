import type { JobRecord } from "@rabbitloom/jobs";
import type { JobError } from "@rabbitloom/protocol";
import { isObject } from "../http/json-body.ts";
import { executionError, executionInterrupted } from "./execution-messages.ts";
import { queueItem } from "./queue-item.ts";

/** A job that has ended, as ComfyUI's history shows it. */
export function historyEntry(job: JobRecord): Record<string, unknown> {
  return {
    prompt: queueItem(job),
    outputs: job.outputs ?? {},
    status: historyStatus(job),
    meta: historyMeta(job),
  };
}

export interface HistoryStatus {
  readonly status_str: "success" | "error";
  readonly completed: boolean;
  /** `[event, data]` each, as the socket said them. */
  readonly messages: readonly unknown[];
}

/** ComfyUI knows success and error; what the worker did not live to say is told by the record. */
export function historyStatus(job: JobRecord): HistoryStatus {
  const isSuccess = job.state === "succeeded";
  const told = job.history?.messages;
  return {
    status_str: isSuccess ? "success" : "error",
    completed: isSuccess,
    messages: Array.isArray(told) ? told : messagesFromRecord(job),
  };
}

function messagesFromRecord(job: JobRecord): unknown[] {
  const endedAt = job.endedAt ?? job.submittedAt;
  const prompt_id = job.id;
  const messages: unknown[] = [];
  if (job.startedAt !== undefined) {
    const timestamp = Date.parse(job.startedAt);
    messages.push(["execution_start", { prompt_id, timestamp }]);
    messages.push(["execution_cached", { nodes: [], prompt_id, timestamp }]);
  }
  messages.push(lastMessage(job, Date.parse(endedAt)));
  return messages;
}

function lastMessage(job: JobRecord, timestamp: number): unknown[] {
  const prompt_id = job.id;
  if (job.state === "succeeded") return ["execution_success", { prompt_id, timestamp }];
  const error: JobError = job.error ?? {
    code: job.state === "cancelled" ? "JOB_CANCELLED" : "INTERNAL",
    message: `the job ended as ${job.state}`,
    retryable: false,
  };
  const facts = { jobId: job.id, error, timestamp };
  return job.state === "cancelled"
    ? ["execution_interrupted", executionInterrupted(facts)]
    : ["execution_error", executionError(facts)];
}

function historyMeta(job: JobRecord): Record<string, unknown> {
  const told = job.history?.meta;
  if (isObject(told)) return told;
  return Object.fromEntries(
    Object.keys(job.outputs ?? {}).map((id) => [
      id,
      { node_id: id, display_node: id, parent_node: null, real_node_id: id },
    ]),
  );
}
