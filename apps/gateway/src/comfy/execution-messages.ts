import type { JobError } from "@rabbitloom/protocol";

export interface FailureFacts {
  readonly jobId: string;
  readonly error: JobError;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** What a reader of the events saw itself, where the error does not say it. */
  readonly seen?: { readonly nodeId?: string | undefined; readonly executed: readonly string[] };
}

/** The data of ComfyUI's `execution_error`. A failure outside any node names none. */
export function executionError({ jobId, error, timestamp, seen }: FailureFacts) {
  const { node } = error;
  return {
    prompt_id: jobId,
    node_id: node?.nodeId ?? seen?.nodeId ?? null,
    node_type: node?.nodeType ?? null,
    executed: error.executed ?? seen?.executed ?? [],
    exception_message: error.message,
    exception_type: node?.exceptionType ?? error.code,
    traceback: node?.traceback ?? [],
    current_inputs: node?.inputs ?? {},
    current_outputs: node?.outputs ?? [],
    timestamp,
  };
}

/** The data of ComfyUI's `execution_interrupted`. */
export function executionInterrupted({ jobId, error, timestamp, seen }: FailureFacts) {
  return {
    prompt_id: jobId,
    node_id: error.node?.nodeId ?? seen?.nodeId ?? null,
    node_type: error.node?.nodeType ?? null,
    executed: error.executed ?? seen?.executed ?? [],
    timestamp,
  };
}
