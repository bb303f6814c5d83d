import type { NodeCatalog, NodeErrors, Prompt } from "@rabbitloom/protocol";
import type { SubmittedPrompt } from "../prompt/parse-prompt.ts";
import { checkFiles, type FileLookup } from "./check-files.ts";
import type { ModelLookup } from "./check-literal.ts";
import { type CustomCheck, runCustomChecks } from "./custom-checks.ts";
import { invalidPrompt, noOutputs, type PromptFailure, promptFailure } from "./problems.ts";
import { type VisitedNode, visitNodes } from "./visit-nodes.ts";

export interface ValidateOptions {
  /** `partial_execution_targets`: only these outputs, and what they need. Null or absent means all. */
  readonly targets?: readonly string[] | null | undefined;
  /** Whether an input file is there. Without it, file names are taken as they are. */
  readonly fileExists?: FileLookup | undefined;
  /** Files of a model folder. Without it, model names are taken as they are. */
  readonly modelFiles?: ModelLookup | undefined;
  /** The class's own validation. Without it, inputs that it would look at are taken as they are. */
  readonly custom?: CustomCheck | undefined;
  /** Whether `custom` is asked about nodes of this class; the others are as without it. @default all are */
  readonly isAsked?: ((classType: string) => boolean) | undefined;
}

export type Validation =
  | {
      readonly ok: true;
      /** A copy with literals coerced and links' negative slots counted out; nodes that no output needs are as they came. */
      readonly prompt: Prompt;
      /** Outputs to run, in the prompt's order. */
      readonly outputs: readonly string[];
      /** Complaints about the other outputs. */
      readonly nodeErrors: NodeErrors;
    }
  | { readonly ok: false; readonly failure: PromptFailure };

/**
 * ComfyUI's validation: every output node and what it needs, each node once. One good output is enough for the prompt
 * to run. Cost is linear in nodes and links, and depth does not matter. Lookups and custom checks run side by side.
 */
export async function validatePrompt(
  prompt: SubmittedPrompt,
  catalog: NodeCatalog,
  { targets, fileExists, modelFiles, custom, isAsked = () => true }: ValidateOptions = {},
): Promise<Validation> {
  const roots = findOutputs(prompt, catalog, targets);
  if ("error" in roots) return { ok: false, failure: roots };

  const visited = visitNodes({ prompt, catalog, roots, modelFiles });
  const checks = [
    ...(fileExists === undefined
      ? []
      : checkFiles(visited, fileExists, (type) => custom !== undefined && isAsked(type))),
    ...(custom === undefined ? [] : runCustomChecks(visited, custom, isAsked)),
  ];
  if (checks.length > 0) await Promise.all(checks);

  const valid = validNodes(visited);
  const outputs = roots.filter((id) => valid.has(id));
  const nodeErrors = collectErrors(visited, valid, roots);
  if (outputs.length === 0)
    return { ok: false, failure: failedOutputs(visited, roots, nodeErrors) };
  return { ok: true, prompt: finishedPrompt(prompt, visited), outputs, nodeErrors };
}

/** The output nodes to validate. The first node of a class that nobody knows refuses the whole prompt. */
function findOutputs(
  prompt: SubmittedPrompt,
  catalog: NodeCatalog,
  targets: readonly string[] | null | undefined,
): readonly string[] | PromptFailure {
  const wanted = targets === null || targets === undefined ? undefined : new Set(targets);
  const outputs: string[] = [];
  for (const [id, { class_type }] of Object.entries(prompt)) {
    const entry = Object.hasOwn(catalog, class_type) ? catalog[class_type] : undefined;
    if (entry === undefined) {
      return invalidPrompt(`Cannot execute because node ${class_type} does not exist.`, id);
    }
    if (entry.info.output_node && (wanted === undefined || wanted.has(id))) outputs.push(id);
  }
  return outputs.length === 0 ? noOutputs() : outputs;
}

/** A node is valid when nothing is said about it nor about anything it needs. `visited` has sources before users. */
function validNodes(visited: ReadonlyMap<string, VisitedNode>): Set<string> {
  const valid = new Set<string>();
  for (const [id, { reasons, sources }] of visited) {
    if (reasons.length === 0 && sources.every((source) => valid.has(source))) valid.add(id);
  }
  return valid;
}

/** Naming more outputs for each node would make the answer grow with the square of the prompt. */
const MAX_DEPENDENT_OUTPUTS = 100;

function collectErrors(
  visited: ReadonlyMap<string, VisitedNode>,
  valid: ReadonlySet<string>,
  roots: readonly string[],
): NodeErrors {
  const dependents = new Map<string, Set<string>>();
  for (const root of roots) if (!valid.has(root)) dependents.set(root, new Set([root]));
  const position = new Map(roots.map((root, i) => [root, i]));
  const inOrder = (a: string, b: string) => (position.get(a) ?? 0) - (position.get(b) ?? 0);
  const nodeErrors: NodeErrors = {};
  for (const [id, { sources }] of [...visited].reverse()) {
    const outputs = dependents.get(id);
    if (valid.has(id) || outputs === undefined) continue;
    for (const source of sources)
      if (!valid.has(source)) addDependents(dependents, source, outputs);
  }
  for (const [id, { classType, reasons }] of visited) {
    if (reasons.length === 0) continue;
    const outputs = [...(dependents.get(id) ?? [])].sort(inOrder);
    nodeErrors[id] = { errors: [...reasons], dependent_outputs: outputs, class_type: classType };
  }
  return nodeErrors;
}

function addDependents(
  dependents: Map<string, Set<string>>,
  id: string,
  outputs: ReadonlySet<string>,
): void {
  const known = dependents.get(id) ?? new Set<string>();
  for (const output of outputs) {
    if (known.size >= MAX_DEPENDENT_OUTPUTS) break;
    known.add(output);
  }
  dependents.set(id, known);
}

/** The details repeat what is said of the outputs themselves; a circle is named wherever it is. */
function failedOutputs(
  visited: ReadonlyMap<string, VisitedNode>,
  roots: readonly string[],
  nodeErrors: NodeErrors,
): PromptFailure {
  const own = roots.flatMap((root) => visited.get(root)?.reasons ?? []);
  const circles = [...visited.values()].flatMap(({ reasons }) =>
    reasons.filter(({ type }) => type === "dependency_cycle"),
  );
  const lines = new Set(
    [...own, ...circles].map(({ message, details }) => `${message}: ${details}`),
  );
  return promptFailure("prompt_outputs_failed_validation", "Prompt outputs failed validation", {
    details: [...lines].join("\n"),
    nodeErrors,
  });
}

function finishedPrompt(
  prompt: SubmittedPrompt,
  visited: ReadonlyMap<string, VisitedNode>,
): Prompt {
  const finished: Prompt = {};
  for (const [id, node] of Object.entries(prompt)) {
    finished[id] = { ...node, inputs: visited.get(id)?.inputs ?? node.inputs ?? {} };
  }
  return finished;
}
