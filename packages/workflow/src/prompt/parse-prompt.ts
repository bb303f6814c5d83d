import { keepFloatMarks, pythonStr, pythonType } from "@rabbitloom/protocol";
import * as z from "zod";
import { type UiWorkflow, uiWorkflowSchema } from "../convert/ui-workflow.ts";
import {
  invalidPrompt,
  noOutputs,
  type PromptFailure,
  promptFailure,
} from "../validate/problems.ts";

/** Far above what anyone draws, far below what hurts. */
const DEFAULT_MAX_NODES = 50_000;

const nodeSchema = z.looseObject({
  class_type: z.string(),
  inputs: z.record(z.string(), z.unknown()).optional(),
});

/** A node at the door may still lack its inputs, which only validation may complain about. */
export type SubmittedNode = z.infer<typeof nodeSchema>;
export type SubmittedPrompt = Readonly<Record<string, SubmittedNode>>;

export type ParsedPrompt =
  | { readonly form: "api"; readonly prompt: SubmittedPrompt }
  /** As the page saves it: `convertWorkflow` makes a prompt of it. */
  | {
      readonly form: "ui";
      readonly workflow: UiWorkflow;
      /** The file as it came: `workflow` holds only what conversion needs. */
      readonly source: object;
    }
  | { readonly form: "invalid"; readonly failure: PromptFailure };

export interface ParsePromptOptions {
  /** @default 50,000 */
  readonly maxNodes?: number;
}

/** Tells API form from UI form and checks the shape. Never throws; what is wrong is named in ComfyUI's error shape. */
export function parsePrompt(
  value: unknown,
  { maxNodes = DEFAULT_MAX_NODES }: ParsePromptOptions = {},
): ParsedPrompt {
  if (Array.isArray(value) && value.length === 0) return invalid(noOutputs());
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return invalid(
      promptFailure("invalid_prompt", "A prompt is an object of nodes by id", {
        details: `got ${pythonType(value)}`,
      }),
    );
  }
  if ("nodes" in value && Array.isArray(value.nodes)) return parseUiForm(value, maxNodes);
  return parseApiForm(value, maxNodes);
}

function parseApiForm(value: object, maxNodes: number): ParsedPrompt {
  const entries: [string, unknown][] = Object.entries(value);
  if (entries.length > maxNodes) return invalid(tooManyNodes(entries.length, maxNodes));
  const prompt: Record<string, SubmittedNode> = {};
  for (const [id, node] of entries) {
    const problem = id === "__proto__" ? "this id cannot be used" : nodeProblem(node);
    if (problem !== undefined) return invalid(invalidPrompt(problem, id));
    const parsed = nodeSchema.safeParse(node);
    if (!parsed.success)
      return invalid(
        invalidPrompt("The node has not the expected shape", id, `: ${firstIssue(parsed.error)}`),
      );
    prompt[id] = parsed.data;
  }
  keepFloatMarks(value, prompt);
  return { form: "api", prompt };
}

/** What ComfyUI says itself, and what it answers with status 500. */
function nodeProblem(node: unknown): string | undefined {
  if (typeof node !== "object" || node === null || Array.isArray(node)) {
    return `A node is an object with class_type and inputs, got ${pythonType(node)}`;
  }
  if (!("class_type" in node))
    return "Cannot execute because a node is missing the class_type property.";
  if (typeof node.class_type !== "string") {
    return `Cannot execute because node ${pythonStr(node.class_type)} does not exist.`;
  }
  if (
    "inputs" in node &&
    typeof node.inputs === "object" &&
    node.inputs !== null &&
    Object.hasOwn(node.inputs, "__proto__")
  ) {
    return 'An input cannot be called "__proto__"';
  }
  return undefined;
}

function parseUiForm(value: object, maxNodes: number): ParsedPrompt {
  const parsed = uiWorkflowSchema.safeParse(value);
  if (!parsed.success) {
    return invalid(
      promptFailure("invalid_prompt", "The saved workflow has not the expected shape", {
        details: firstIssue(parsed.error),
      }),
    );
  }
  const { nodes } = parsed.data;
  if (nodes.length > maxNodes) return invalid(tooManyNodes(nodes.length, maxNodes));
  return { form: "ui", workflow: parsed.data, source: value };
}

function tooManyNodes(count: number, maxNodes: number): PromptFailure {
  return promptFailure("invalid_prompt", "The prompt has too many nodes", {
    details: `${count} nodes, at most ${maxNodes} are taken`,
  });
}

function invalid(failure: PromptFailure): ParsedPrompt {
  return { form: "invalid", failure };
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? "unknown" : `${issue.path.map(String).join(".")}: ${issue.message}`;
}
