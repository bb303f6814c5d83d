import type { CheckContext, PromptNode } from "../nodes/context.ts";
import type { NodeClass } from "../nodes/define-node.ts";
import { isLink } from "../nodes/values.ts";

/** What a node's `isChanged` says; one that throws counts as changed. Undefined where the class has none. */
export function changedValue(
  node: PromptNode,
  nodeClass: NodeClass,
  context: CheckContext,
): unknown {
  if (nodeClass.isChanged === undefined) return undefined;
  try {
    const value = nodeClass.isChanged(literalInputs(node, nodeClass), context);
    if (value instanceof Promise) return value.catch(() => Number.NaN);
    return value;
  } catch {
    return Number.NaN;
  }
}

/** Declared inputs that a class may look at before anything has run: links are null. */
export function literalInputs(node: PromptNode, nodeClass: NodeClass): Record<string, unknown> {
  const inputs: Record<string, unknown> = {};
  for (const name of Object.keys(nodeClass.inputs)) {
    if (!Object.hasOwn(node.inputs, name)) continue;
    const value = node.inputs[name];
    inputs[name] = isLink(value) ? null : value;
  }
  return inputs;
}
