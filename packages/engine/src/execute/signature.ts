import { hash } from "node:crypto";
import type { PromptNode } from "../nodes/context.ts";
import type { NodeClass } from "../nodes/define-node.ts";
import { isLink } from "../nodes/values.ts";

/**
 * What a node computes, as a short text: two nodes with one signature give the same outputs, whatever
 * their ids. Made of the class, the value of `isChanged`, the inputs by name, and through its links of
 * everything above it. The id enters only where the class looks at it.
 */
export type Signature = string;

export interface SignatureSources {
  find(id: string): PromptNode | undefined;
  classOf(id: string): NodeClass | undefined;
  /** What the node's `isChanged` said; undefined where it has none. */
  changed(id: string): unknown;
}

/** Computes each node's signature once, bottom-up, with a stack of its own: depth costs nothing. */
export function createSignatures(sources: SignatureSources): (id: string) => Signature {
  const known = new Map<string, Signature>();

  function signatureOf(id: string): Signature {
    const found = known.get(id);
    if (found !== undefined) return found;
    const stack = [id];
    const entered = new Set<string>();
    while (stack.length > 0) {
      const current = stack[stack.length - 1];
      if (current === undefined) break;
      if (known.has(current)) {
        stack.pop();
        continue;
      }
      const above = entered.has(current) ? [] : unknownSources(current, known, sources);
      entered.add(current);
      if (above.length > 0) {
        stack.push(...above);
      } else {
        stack.pop();
        known.set(current, ownSignature(current, known, sources));
      }
    }
    return known.get(id) ?? unique();
  }
  return signatureOf;
}

function unknownSources(
  id: string,
  known: ReadonlyMap<string, Signature>,
  sources: SignatureSources,
): string[] {
  const above: string[] = [];
  for (const value of Object.values(sources.find(id)?.inputs ?? {})) {
    if (isLink(value) && !known.has(value[0]) && sources.find(value[0]) !== undefined) {
      above.push(value[0]);
    }
  }
  return above;
}

function ownSignature(
  id: string,
  known: ReadonlyMap<string, Signature>,
  sources: SignatureSources,
): Signature {
  const node = sources.find(id);
  const nodeClass = sources.classOf(id);
  if (node === undefined || nodeClass === undefined) return unique();
  const changed = sources.changed(id);
  const parts = [node.class_type, looksAtId(nodeClass) ? id : "", describe(changed)];
  for (const name of Object.keys(node.inputs).sort(byText)) {
    const value = node.inputs[name];
    // A source without a signature is missing, or part of a cycle: nothing below it may be shared.
    const shown = isLink(value)
      ? `@${known.get(value[0]) ?? unique()}:${value[1]}`
      : describe(value);
    parts.push(name, shown);
  }
  if (parts.includes(NEVER_EQUAL)) return unique();
  return hash("sha1", JSON.stringify(parts), "base64");
}

/** Whether the class's results depend on the node's id, so that equal nodes must not share them. */
function looksAtId(nodeClass: NodeClass): boolean {
  if (nodeClass.notIdempotent) return true;
  return nodeClass.schema !== "v3" && Object.values(nodeClass.hidden ?? {}).includes("UNIQUE_ID");
}

/** Stands for a value that equals nothing, not even itself. */
const NEVER_EQUAL = "\0";
let uniqueCount = 0;
function unique(): Signature {
  uniqueCount += 1;
  return `unique ${uniqueCount}`;
}

/** A literal as text: equal texts for equal values, object keys in order, other objects by identity. */
function describe(value: unknown): string {
  try {
    return describeWithin(value);
  } catch (cause) {
    // Nested deeper than the stack, or cyclic.
    if (cause instanceof RangeError) return NEVER_EQUAL;
    throw cause;
  }
}

function describeWithin(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      if (Number.isNaN(value)) throw new RangeError("NaN equals nothing");
      return String(value);
    case "bigint":
      return `${value}n`;
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return `[${value.map(describeWithin).join()}]`;
      if (isPlain(value)) {
        const entries = Object.entries(value).sort(([a], [b]) => byText(a, b));
        return `{${entries.map(([name, entry]) => `${JSON.stringify(name)}:${describeWithin(entry)}`).join()}}`;
      }
      return `#${identityOf(value)}`;
    case "function":
      return `#${identityOf(value)}`;
    default:
      return String(value);
  }
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Typed arrays, models and the like are told apart by who they are, not by what they hold. */
const identities = new WeakMap<object, number>();
let identityCount = 0;
function identityOf(value: object): number {
  let identity = identities.get(value);
  if (identity === undefined) {
    identityCount += 1;
    identity = identityCount;
    identities.set(value, identity);
  }
  return identity;
}
