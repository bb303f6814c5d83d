import type { NodeCatalog, NodeErrorReason } from "@rabbitloom/protocol";
import { copyFloatMarks, isFloatAt, markFloat } from "@rabbitloom/protocol";
import type { SubmittedPrompt } from "../prompt/parse-prompt.ts";
import { checkLink } from "./check-link.ts";
import { checkLiteral, type ModelLookup } from "./check-literal.ts";
import { type ClassFacts, classFacts, type DeclaredInput } from "./class-facts.ts";
import { fillDefaults } from "./fill-defaults.ts";
import {
  type Breakage,
  badLink,
  brokenInnerNode,
  brokenNode,
  missingInput,
  onCycle,
  typeMismatch,
} from "./problems.ts";
import { typesMatch } from "./types-match.ts";

/** A node that some output needs, as far as it can be judged without asking anybody. */
export interface VisitedNode {
  readonly id: string;
  readonly classType: string;
  readonly facts: ClassFacts;
  /** With defaults filled in, after coercion. */
  inputs: Readonly<Record<string, unknown>>;
  readonly reasons: NodeErrorReason[];
  /** Nodes behind its links, as far as the types of the links fit. */
  readonly sources: string[];
  /** Input name -> type that its link brings. */
  readonly inputTypes: Record<string, string>;
  /** The input through which the node was reached; absent for an output that was looked at first. */
  readonly reachedOver: { readonly input: DeclaredInput; readonly link: unknown } | undefined;
}

/**
 * A link back for each node of a long chain makes as many circles, each as long as the chain so far. What lies on a circle
 * is not valid, said or not: its source is never finished before it.
 */
const MAX_CIRCLES = 100;

export interface VisitOptions {
  readonly prompt: SubmittedPrompt;
  readonly catalog: NodeCatalog;
  readonly roots: readonly string[];
  readonly modelFiles: ModelLookup | undefined;
}

interface Visit {
  readonly node: VisitedNode;
  nextInput: number;
}

/** Looks at the roots and everything they need, depth first, each node once. The result has sources before users. */
export function visitNodes({
  prompt,
  catalog,
  roots,
  modelFiles,
}: VisitOptions): Map<string, VisitedNode> {
  const facts = new Map<string, ClassFacts>();
  const visited = new Map<string, VisitedNode>();
  /** From a root down to the node in hand; a link back into it closes a circle. */
  const path: Visit[] = [];
  const onPath = new Map<string, number>();
  let circles = 0;

  for (const root of roots) {
    if (visited.has(root)) continue;
    enter(root, undefined);
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) step(visit);
  }
  return visited;

  function step(visit: Visit): void {
    const input = visit.node.facts.inputs[visit.nextInput];
    if (input === undefined) {
      path.pop();
      onPath.delete(visit.node.id);
      visited.set(visit.node.id, visit.node);
      return;
    }
    visit.nextInput += 1;
    checkInput(visit.node, input);
  }

  function enter(id: string, reachedOver: VisitedNode["reachedOver"]): void {
    const { class_type: classType = "", inputs } = prompt[id] ?? {};
    const facts = factsOf(classType);
    const node: VisitedNode = {
      id,
      classType,
      facts,
      inputs: fillDefaults(inputs ?? {}, facts),
      reasons: [],
      sources: [],
      inputTypes: {},
      reachedOver,
    };
    const hasInputs = inputs !== undefined;
    if (!hasInputs) node.reasons.push(broken(node, { name: "KeyError", message: "'inputs'" }));
    path.push({ node, nextInput: hasInputs ? 0 : node.facts.inputs.length });
    onPath.set(id, path.length - 1);
  }

  function checkInput(node: VisitedNode, input: DeclaredInput): void {
    if (!Object.hasOwn(node.inputs, input.name)) {
      if (input.isRequired) node.reasons.push(missingInput(input.name));
      return;
    }
    const value = node.inputs[input.name];
    if (Array.isArray(value)) followLink(node, input, value);
    else takeLiteral(node, input, value);
  }

  function takeLiteral(node: VisitedNode, input: DeclaredInput, given: unknown): void {
    const { name } = input;
    const wrapped = isWrapped(given);
    const value = wrapped ? given.__value__ : given;
    const isFloat = wrapped ? isFloatAt(given, "__value__") : isFloatAt(node.inputs, name);
    const checked = checkLiteral(input, { value, isFloat }, modelFiles);
    if (!checked.ok) node.reasons.push(checked.reason);
    // A bare list could be taken for a link, so a list stays in its wrapper.
    else if (Array.isArray(checked.value)) return;
    else if (checked.value !== given || checked.isFloat !== isFloatAt(node.inputs, name)) {
      node.inputs = withInput(node.inputs, name, checked.value, checked.isFloat);
    }
  }

  function followLink(node: VisitedNode, input: DeclaredInput, link: readonly unknown[]): void {
    const checked = checkLink(link, prompt, factsOf);
    if (checked.kind === "bad") node.reasons.push(badLink(input, link));
    else if (checked.kind === "broken") node.reasons.push(broken(node, checked.breakage));
    else {
      const { nodeId, slot, type } = checked;
      node.inputTypes[input.name] = typeof type === "string" ? type : "COMBO";
      if (!node.facts.validatesTypes && !typesMatch(type, input.config[0])) {
        node.reasons.push(typeMismatch(input, type, link));
        return;
      }
      if (slot !== link[1]) node.inputs = withInput(node.inputs, input.name, [nodeId, slot], false);
      node.sources.push(nodeId);
      if (onPath.has(nodeId)) reportCycle(nodeId);
      else if (!visited.has(nodeId)) enter(nodeId, { input, link });
    }
  }

  /** Every node of the circle says so, so that a page can mark them all. */
  function reportCycle(id: string): void {
    circles += 1;
    if (circles > MAX_CIRCLES) return;
    const nodes = path.slice(onPath.get(id)).map(({ node }) => node);
    const cycle = [...nodes.map((node) => node.id), id];
    for (const node of nodes) {
      if (!node.reasons.some(({ type }) => type === "dependency_cycle"))
        node.reasons.push(onCycle(cycle));
    }
  }

  function factsOf(classType: string): ClassFacts {
    const known = facts.get(classType);
    if (known !== undefined) return known;
    const entry = Object.hasOwn(catalog, classType) ? catalog[classType] : undefined;
    if (entry === undefined)
      throw new TypeError(`no catalog entry for the node class "${classType}"`);
    const made = classFacts(entry);
    facts.set(classType, made);
    return made;
  }
}

/** The reason to give when looking at a node breaks; ComfyUI's form depends on how the node was reached. */
export function broken({ reachedOver }: VisitedNode, breakage: Breakage): NodeErrorReason {
  if (reachedOver === undefined) return brokenNode(breakage);
  return brokenInnerNode(breakage, reachedOver.input, reachedOver.link);
}

function isWrapped(value: unknown): value is { readonly __value__: unknown } {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "__value__");
}

function withInput(
  inputs: Readonly<Record<string, unknown>>,
  name: string,
  value: unknown,
  isFloat: boolean,
): Record<string, unknown> {
  const copy = { ...inputs, [name]: value };
  copyFloatMarks(inputs, copy);
  markFloat(copy, name, isFloat);
  return copy;
}
