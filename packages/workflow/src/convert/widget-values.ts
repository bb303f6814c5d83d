import type { NodeInfo } from "@rabbitloom/protocol";
import type { Scope } from "./scope.ts";
import type { UiNode } from "./ui-workflow.ts";
import { namedWidgetSlots, startValue, widgetSlots } from "./widget-slots.ts";

/** A node's widget values by input name, in the order of its widgets; what the file lacks starts as in the page. */
export function widgetValues(node: UiNode, info: NodeInfo, scope: Scope): Map<string, unknown> {
  const values = savedValues(node, info);
  for (const [name, value] of scope.overrides.get(node.id) ?? []) {
    if (values.has(name)) values.set(name, value);
  }
  return values;
}

/** As the file says them, before primitives are written into them. */
export function savedValues(
  { widgets_values: saved }: UiNode,
  info: NodeInfo,
): Map<string, unknown> {
  const values = new Map<string, unknown>();
  if (Array.isArray(saved) || saved === null || saved === undefined) {
    const array = saved ?? [];
    widgetSlots(info, array).forEach(({ name, isValue, declaration }, i) => {
      if (isValue) values.set(name, i < array.length ? array[i] : startValue(declaration));
    });
    return values;
  }
  for (const { name, isValue, declaration } of namedWidgetSlots(info, saved)) {
    if (isValue)
      values.set(name, Object.hasOwn(saved, name) ? saved[name] : startValue(declaration));
  }
  return values;
}

/** The one way to convert a class that nobody knows: newer pages also save its values by name. */
export function namedValues({
  widgets_values_named: named,
  widgets_values: saved,
}: UiNode): Map<string, unknown> | undefined {
  if (named === null || named === undefined) return undefined;
  const controls = new Set(["control_after_generate", "control_before_generate"]);
  const isUpload = (name: string) => name === "upload" && Array.isArray(saved);
  return new Map(Object.entries(named).filter(([name]) => !controls.has(name) && !isUpload(name)));
}
