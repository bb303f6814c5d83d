import { CodedError, type ErrorCode } from "@rabbitloom/protocol";
import type { PromptFailure } from "@rabbitloom/workflow";
import { problemBody } from "../http/problem.ts";

const codes: Readonly<Partial<Record<string, ErrorCode>>> = {
  invalid_prompt: "INVALID_PROMPT",
  no_prompt: "INVALID_PROMPT",
  prompt_no_outputs: "INVALID_PROMPT",
};

/**
 * A refused prompt as a problem (RFC 9457) that also has the members which ComfyUI's clients look for: `error` and
 * `node_errors` of `/prompt`, and `type`-like facts under `extra_info`, as hiddenswitch's API gives them.
 */
export function validationProblem({ error, node_errors }: PromptFailure): Record<string, unknown> {
  const code = codes[error.type] ?? "VALIDATION_FAILED";
  const sentence = error.message.replace(/\.$/, "");
  const detail = error.details === "" ? sentence : `${sentence}: ${error.details}`;
  return {
    ...problemBody(new CodedError(code, detail)),
    type: error.type,
    message: error.message,
    details: error.details,
    extra_info: { ...error.extra_info, node_errors },
    error,
    node_errors,
  };
}
