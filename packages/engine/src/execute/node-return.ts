import { CodedError } from "@rabbitloom/protocol";
import type { NodeClass } from "../nodes/define-node.ts";
import type { ExpandGraph } from "../nodes/graph-builder.ts";
import type { ExecutionBlocker, Link } from "../nodes/values.ts";
import { isBlocker, isLink } from "../nodes/values.ts";
import type { FinishedNode } from "./result-cache.ts";

/** What one call of a node came to. */
export interface CallOutcome {
  readonly outputs: readonly unknown[];
  readonly ui: Readonly<Record<string, readonly unknown[]>> | null;
  /** Present: outputs that are links point into this graph or at nodes that exist. */
  readonly expand: ExpandGraph | null;
}

/** Reads what `run` returned: outputs in order, the long form, one blocker for all outputs, or nothing. */
export function readReturn(returned: unknown, nodeClass: NodeClass): CallOutcome {
  if (Array.isArray(returned)) return { outputs: returned, ui: null, expand: null };
  if (isBlocker(returned)) return blocked(returned, nodeClass);
  if (returned === undefined || returned === null) return { outputs: [], ui: null, expand: null };
  if (isRecord(returned)) {
    const { ui, result, expand, ...others } = returned;
    const unknownNames = Object.keys(others);
    if (unknownNames.length === 0) {
      return {
        outputs: isBlocker(result) ? blocked(result, nodeClass).outputs : readOutputs(result),
        ui: readUi(ui),
        expand: readGraph(expand),
      };
    }
    throw wrongReturn(`an object with "${unknownNames.join('", "')}"`);
  }
  throw wrongReturn(`a ${typeof returned}`);
}

/** The outcome of a call that was not made: the blocker on every output. */
export function blocked(blocker: ExecutionBlocker, nodeClass: NodeClass): CallOutcome {
  return { outputs: nodeClass.outputs.map(() => blocker), ui: null, expand: null };
}

function wrongReturn(found: string): CodedError {
  return new CodedError(
    "NODE_FAILED",
    `run must return a list of outputs or { ui, result, expand }, it returned ${found}`,
  );
}

function readOutputs(result: unknown): readonly unknown[] {
  if (result === undefined || result === null) return [];
  if (Array.isArray(result)) return result;
  throw wrongReturn(`a result that is a ${typeof result}`);
}

function readUi(ui: unknown): CallOutcome["ui"] {
  if (ui === undefined || ui === null) return null;
  if (!isRecord(ui)) throw wrongReturn(`a ui that is a ${typeof ui}`);
  const lists: Record<string, readonly unknown[]> = {};
  for (const [name, list] of Object.entries(ui)) {
    if (!Array.isArray(list)) throw wrongReturn(`a ui whose "${name}" is not a list`);
    const odd = findOdd(list);
    if (odd !== undefined) throw wrongReturn(`a ui whose "${name}" holds ${odd}`);
    lists[name] = list;
  }
  return lists;
}

/** What is shown travels as JSON: names the first thing in it that cannot. */
function findOdd(value: unknown, above: ReadonlySet<unknown> = new Set()): string | undefined {
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  if (typeof value !== "object" || value === null) return undefined;
  const isContainer = ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set;
  if (isContainer) return `a ${value.constructor.name}`;
  if (above.has(value)) return "itself";
  if (above.size > MAX_SHOWN_DEPTH) return `more than ${MAX_SHOWN_DEPTH} levels`;
  const path = new Set(above).add(value);
  for (const entry of Object.values(value)) {
    const odd = typeof entry === "string" ? undefined : findOdd(entry, path);
    if (odd !== undefined) return odd;
  }
  return undefined;
}

/** Far above what any page shows, and below what JSON readers refuse. */
const MAX_SHOWN_DEPTH = 100;

function readGraph(expand: unknown): ExpandGraph | null {
  if (expand === undefined || expand === null) return null;
  if (!isGraph(expand)) throw wrongReturn("an expand that is not a graph of nodes");
  return expand;
}

function isGraph(value: unknown): value is ExpandGraph {
  return (
    isRecord(value) &&
    Object.values(value).every(
      (node) => isRecord(node) && typeof node.class_type === "string" && isRecord(node.inputs),
    )
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
}

/** All links among the outputs of calls that expanded: what the node waits for. */
export function expansionLinks(calls: readonly CallOutcome[]): Link[] {
  return calls.flatMap((call) => (call.expand === null ? [] : call.outputs.filter(isLink)));
}

/** Shown values of all calls, joined name by name. */
export function mergeUi(calls: readonly CallOutcome[]): FinishedNode["ui"] {
  let merged: Record<string, unknown[]> | null = null;
  for (const { ui } of calls) {
    if (ui === null) continue;
    merged ??= {};
    for (const [name, list] of Object.entries(ui)) {
      const joined = Object.hasOwn(merged, name) ? (merged[name] ?? []) : [];
      for (const value of list) joined.push(value);
      merged[name] = joined;
    }
  }
  return merged;
}

/**
 * Joins the outputs of all calls: one entry a call, or, where the output is a list, all of its entries.
 * A link into an expansion stands for everything its node gave.
 */
export function mergeOutputs(
  calls: readonly CallOutcome[],
  nodeClass: NodeClass,
  behind: (link: Link) => readonly unknown[],
): readonly (readonly unknown[])[] {
  const returned = calls.reduce((most, call) => Math.max(most, call.outputs.length), 0);
  const count = Math.max(returned, nodeClass.outputs.length);
  return Array.from({ length: count }, (_, index) => {
    const declaration = nodeClass.outputs[index];
    const isList = typeof declaration === "object" && declaration.isList === true;
    const joined: unknown[] = [];
    for (const call of calls) {
      const value = call.outputs[index] ?? null;
      if (call.expand !== null && isLink(value))
        for (const entry of behind(value)) joined.push(entry);
      else if (!isList || isBlocker(value)) joined.push(value);
      else if (Array.isArray(value)) for (const entry of value) joined.push(entry);
      else if (value !== null) throw wrongReturn(`a ${typeof value} as output ${index}, a list`);
    }
    return joined;
  });
}
