import type { JobError, NodeErrors, Outputs } from "@rabbitloom/protocol";
import { CodedError, errorCodes, isCodedError } from "@rabbitloom/protocol";
import type { PromptFailure } from "@rabbitloom/workflow";
import type { PromptNode } from "../nodes/context.ts";
import { readSafely, shortened, thrownText } from "../nodes/thrown.ts";
import type { InputLists } from "./collect-inputs.ts";

/** How a prompt ended. */
export interface RunOutcome {
  readonly state: "succeeded" | "failed" | "cancelled";
  /** What the nodes showed, also those from the cache; after a failure, what had been shown by then. */
  readonly outputs: Outputs;
  readonly error?: JobError;
  /** What was thrown; inside this process only. */
  readonly cause?: unknown;
  /** Complaints about outputs that were left out because they are not valid. */
  readonly nodeErrors?: NodeErrors;
  /** Why the prompt was refused, in the shape that ComfyUI's clients read. */
  readonly failure?: PromptFailure;
}

/** Where something went wrong. */
export interface Blame {
  readonly nodeId: string;
  readonly node: PromptNode | undefined;
  readonly inputs: InputLists | undefined;
}

/** The failure of one node, on its way out of the run. */
export class NodeFailure extends Error {
  override readonly name = "NodeFailure";
  readonly blame: Blame;
  constructor(blame: Blame, cause: unknown) {
    super(thrownText(cause), { cause });
    this.blame = blame;
  }
}

/** What readers of the job are told of a node's failure. */
export function failureReport(failure: NodeFailure, executed: readonly string[]): JobError {
  const { cause, blame } = failure;
  const code = readSafely(() => isCodedError(cause) && cause.code) || "NODE_FAILED";
  return {
    code,
    message: failure.message,
    retryable: errorCodes[code].retryable && mayPass(cause),
    node: {
      nodeId: blame.nodeId,
      nodeType: blame.node?.class_type ?? "",
      exceptionType: readSafely(() => exceptionType(cause)) ?? typeof cause,
      traceback: readSafely(() => traceback(cause)) ?? [],
      inputs: blame.inputs === undefined ? {} : describeInputs(blame.inputs),
    },
    executed: [...executed],
  };
}

/** What readers of the job are told when it was stopped while a node ran, or between nodes. */
export function cancelReport(
  reason: unknown,
  running: { readonly nodeId: string; readonly node: PromptNode | undefined } | undefined,
  executed: readonly string[],
): JobError {
  const coded = isCodedError(reason)
    ? reason
    : new CodedError("JOB_CANCELLED", "the job was cancelled");
  return {
    code: coded.code,
    message: coded.message,
    retryable: coded.isRetryable,
    ...(running === undefined
      ? {}
      : {
          node: {
            nodeId: running.nodeId,
            nodeType: running.node?.class_type ?? "",
            exceptionType: "InterruptProcessingException",
            traceback: [],
            inputs: {},
          },
        }),
    executed: [...executed],
  };
}

/** An error of another copy of the package may not say it: then its code decides. */
function mayPass(cause: unknown): boolean {
  return readSafely(() => isCodedError(cause) && cause.isRetryable) !== false;
}

/** ComfyUI's name where clients know one, else the error's class. */
function exceptionType(cause: unknown): string {
  if (isCodedError(cause))
    return typeof cause.details.exceptionType === "string"
      ? cause.details.exceptionType
      : cause.code;
  return cause instanceof Error ? cause.constructor.name : typeof cause;
}

function traceback(cause: unknown): string[] {
  return cause instanceof Error
    ? shortened(cause.stack ?? "")
        .split("\n")
        .slice(1)
    : [];
}

function describeInputs(lists: InputLists): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, list] of [...lists.declared, ...lists.undeclared]) {
    shown[name] = list
      .slice(0, LONGEST_SHOWN)
      .map((value) => readSafely(() => describeValue(value)) ?? null);
  }
  return shown;
}

const LONGEST_SHOWN = 16;
const LONGEST_TEXT = 2000;

/** Numbers and texts as they are; of everything else what it is and how big. */
function describeValue(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value.slice(0, LONGEST_TEXT);
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value !== "object") return String(value);
  if ("shape" in value && Array.isArray(value.shape)) return `tensor [${value.shape.join(",")}]`;
  if (Array.isArray(value)) return `list of ${value.length}`;
  const name = value.constructor?.name ?? "Object";
  return name === "Object" ? `{${Object.keys(value).slice(0, LONGEST_SHOWN).join(", ")}}` : name;
}
