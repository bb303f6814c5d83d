import { stat } from "node:fs/promises";
import type { ClassCheckAnswer, NodeCatalog } from "@rabbitloom/protocol";
import { CodedError, isCodedError } from "@rabbitloom/protocol";
import type {
  CustomCheckRequest,
  PromptFailure,
  SubmittedPrompt,
  Validation,
} from "@rabbitloom/workflow";
import { convertWorkflow, parseJson, parsePrompt, validatePrompt } from "@rabbitloom/workflow";
import type { ExecutionHost } from "../execute/host.ts";
import type { RunOutcome } from "../execute/outcome.ts";
import type { EngineJob } from "./engine.ts";

/** A prompt as it can be validated, and the editor's graph that it was made of. */
export interface ReadPrompt {
  readonly prompt: SubmittedPrompt;
  readonly workflow: object | undefined;
}

/** Reads a graph or its text, in API form or as the editor saves it. Throws for what is neither. */
export function readPrompt(
  catalog: NodeCatalog,
  given: unknown,
): ReadPrompt | { readonly failure: PromptFailure } {
  const parsed = parsePrompt(typeof given === "string" ? parseJson(given) : given);
  switch (parsed.form) {
    case "invalid":
      return { failure: parsed.failure };
    case "api":
      return { prompt: parsed.prompt, workflow: undefined };
    case "ui": {
      const { workflow, source } = parsed;
      const nodeInfo = (type: string) => {
        return Object.hasOwn(catalog, type) ? catalog[type]?.info : undefined;
      };
      return { prompt: convertWorkflow(workflow, { nodeInfo }).prompt, workflow: source };
    }
  }
}

/** Everything that can be said about a prompt before it runs: graph, literals, files, the classes' own checks. */
export async function checkPrompt(
  host: ExecutionHost,
  catalog: NodeCatalog,
  { prompt, targets }: { prompt: SubmittedPrompt; targets: EngineJob["targets"] },
): Promise<Validation> {
  const models = new Map<string, readonly string[]>();
  return validatePrompt(prompt, catalog, {
    targets,
    modelFiles: (folder) => {
      const files = models.get(folder) ?? host.models.list(folder);
      models.set(folder, files);
      return files;
    },
    fileExists: ({ folder, name }) => fileExists(host, folder, name),
    custom: (request) => askClass(host, request),
  });
}

async function fileExists(
  host: ExecutionHost,
  type: "input" | "output" | "temp",
  filename: string,
): Promise<boolean> {
  try {
    return (await stat(host.files.path({ type, filename }))).isFile();
  } catch (cause) {
    if (isCodedError(cause) || (cause instanceof Error && "code" in cause)) return false;
    throw cause;
  }
}

/** What the classes say to some of their nodes, for somebody who validates elsewhere. One answer a request, in order. */
export function answerChecks(
  host: ExecutionHost,
  requests: readonly CustomCheckRequest[],
): Promise<ClassCheckAnswer[]> {
  return Promise.all(requests.map((request) => answerCheck(host, request)));
}

async function answerCheck(
  host: ExecutionHost,
  request: CustomCheckRequest,
): Promise<ClassCheckAnswer> {
  if (host.registry.get(request.classType) === undefined) return { type: "unknown" };
  try {
    const answer = await askClass(host, request);
    if (answer === true) return { type: "fine" };
    return { type: "refused", why: answer === false ? "" : answer };
  } catch (cause) {
    const isError = cause instanceof Error;
    return {
      type: "broken",
      name: isError ? cause.name : typeof cause,
      message: isError ? cause.message : String(cause),
    };
  }
}

function askClass(host: ExecutionHost, request: CustomCheckRequest) {
  const { nodeId, classType, inputs, inputTypes } = request;
  const validate = host.registry.get(classType)?.validate;
  if (validate === undefined) return true;
  const context = { nodeId, signal: NEVER, files: host.files, models: host.models };
  return validate.check(inputs, { ...context, inputTypes });
}

const NEVER = new AbortController().signal;

/** The outcome of a prompt that could not even be read or converted. */
export function refusal(cause: unknown): RunOutcome {
  const { code, message, isRetryable } = CodedError.from(cause);
  return { state: "failed", outputs: {}, error: { code, message, retryable: isRetryable }, cause };
}

/** The outcome of a prompt that was refused. */
export function validationReport(failure: PromptFailure): RunOutcome {
  const { error, node_errors: nodeErrors } = failure;
  const code = error.type === "invalid_prompt" ? "INVALID_PROMPT" : "VALIDATION_FAILED";
  const message = error.details === "" ? error.message : `${error.message}: ${error.details}`;
  return {
    state: "failed",
    outputs: {},
    error: { code, message, retryable: false, nodeErrors },
    failure,
  };
}
