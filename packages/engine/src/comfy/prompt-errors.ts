import type { ErrorCode, JobError, NodeErrors } from "@rabbitloom/protocol";
import { CodedError, isErrorCode } from "@rabbitloom/protocol";
import type { PromptFailure } from "@rabbitloom/workflow";
import type { RunOutcome } from "../execute/outcome.ts";

/** The prompt was not started: its graph or an input is wrong. `nodeErrors` says what, by node. */
export class PromptRefusedError extends CodedError {
  readonly nodeErrors: NodeErrors;
  /** The whole answer in the shape that ComfyUI gives. */
  readonly failure: PromptFailure | undefined;
  constructor(code: ErrorCode, message: string, { error, failure, cause }: RunOutcome) {
    super(code, message, { cause });
    this.nodeErrors = error?.nodeErrors ?? {};
    this.failure = failure;
  }
}

/** The prompt was started and did not end well. What the node threw is the `cause`. */
export class PromptFailedError extends CodedError {
  /** The node that failed, as far as one is known. */
  readonly node: JobError["node"];
  /** Nodes that had finished by then. */
  readonly executed: readonly string[];
  constructor(code: ErrorCode, message: string, { error, cause }: RunOutcome) {
    super(code, message, { cause });
    this.node = error?.node;
    this.executed = error?.executed ?? [];
  }
}

/** The error that a bad outcome stands for; a cancelled prompt's is the reason it was cancelled for. */
export function failureOf(outcome: RunOutcome, signal: AbortSignal): unknown {
  if (outcome.state === "cancelled" && signal.aborted) return signal.reason;
  const code = isErrorCode(outcome.error?.code) ? outcome.error.code : "INTERNAL";
  const { node, message = "the prompt failed" } = outcome.error ?? {};
  if (node === undefined && !STARTED.has(code))
    return new PromptRefusedError(code, message, outcome);
  const where = node === undefined ? "" : `node "${node.nodeId}" (${node.nodeType}): `;
  return new PromptFailedError(code, where + message, outcome);
}

/** Codes that say the prompt was under way even where no node is known. */
const STARTED: ReadonlySet<ErrorCode> = new Set([
  "ENGINE_CRASHED",
  "ENGINE_STUCK",
  "JOB_CANCELLED",
  "INTERNAL",
]);
