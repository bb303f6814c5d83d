import {
  keepFloatMarks,
  type Prompt,
  parseJson,
  promptSchema,
  stringifyJson,
} from "@rabbitloom/protocol";
import { layOutJson } from "./lay-out-json.ts";

/** A workflow as people have it: in API form, or as the editor saves it, which the gateway converts. */
export type Workflow =
  | { readonly form: "api"; readonly prompt: Prompt }
  | { readonly form: "editor"; readonly saved: Readonly<Record<string, unknown>> };

/** A workflow on the page, with the name that its jobs are shown under. */
export interface Draft {
  readonly name: string;
  readonly workflow: Workflow;
}

/** Reads either form, bare or as `{"prompt": ...}`. Throws an Error that says what came instead. */
export function readWorkflow(text: string): Workflow {
  if (text.trim() === "") throw new Error("The text is empty.");
  const value = unwrap(parsed(text));
  if (!isObject(value)) throw new Error("This is JSON, but not a workflow: an object is expected.");
  if (Array.isArray(value.nodes)) return { form: "editor", saved: value };
  const prompt = promptSchema.safeParse(value);
  if (!prompt.success) {
    const [issue] = prompt.error.issues;
    const place = issue?.path.map(String).join(" › ");
    throw new Error(`This is JSON, but not a workflow: ${place}: ${issue?.message}`);
  }
  keepFloatMarks(value, prompt.data);
  if (Object.keys(prompt.data).length === 0) throw new Error("This workflow has no nodes.");
  return { form: "api", prompt: prompt.data };
}

/** What is sent to the gateway. */
export function workflowBody(workflow: Workflow): object {
  return workflow.form === "api" ? workflow.prompt : workflow.saved;
}

export function workflowText(workflow: Workflow): string {
  return layOutJson(stringifyJson(workflowBody(workflow)));
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`This is not JSON: ${reason.replace(/^JSON, /, "")}`, { cause });
  }
}

function unwrap(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.prompt) || "class_type" in value.prompt) return value;
  return value.prompt;
}
