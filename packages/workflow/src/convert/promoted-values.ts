import * as z from "zod";
import type { UiNode, UiSubgraph } from "./ui-workflow.ts";
import { declaredInputs, hasControl, type NodeInfoLookup } from "./widget-slots.ts";

/** `[node, widget]`; node "-1" is the subgraph's own input of that name. */
const proxyWidgetsSchema = z.array(
  z.tuple([z.union([z.string(), z.number()]).transform(String), z.string()], z.unknown()),
);

const OWN_INPUT = "-1";

export interface PromotedSources {
  readonly nodeInfo: NodeInfoLookup;
  readonly subgraphs: ReadonlyMap<string, UiSubgraph>;
}

/** Values that an instance holds for inputs of its subgraph that feed a widget inside, by the input's name. */
export function promotedValues(
  instance: UiNode,
  definition: UiSubgraph,
  sources: PromotedSources,
): ReadonlyMap<string, unknown> {
  const promoted = new Map<string, unknown>();
  const values = instance.widgets_values;
  if (values === null || values === undefined) return promoted;
  if (!Array.isArray(values)) {
    for (const [name, value] of Object.entries(values)) set(name, value);
    return promoted;
  }
  const proxies = proxyWidgetsSchema.safeParse(instance.properties?.proxyWidgets);
  if (proxies.success) {
    proxies.data.forEach(([node, widget], i) => {
      if (node === OWN_INPUT) set(widget, values[i]);
    });
    return promoted;
  }
  const behind = widgetsBehind(definition, sources);
  const inputs = definition.inputs
    .map(({ name }, slot) => ({ name, widget: behind.get(slot) }))
    .filter(({ widget }) => widget !== undefined);
  const hasControls = values.length > inputs.length;
  let position = 0;
  for (const { name, widget } of inputs) {
    set(name, values[position]);
    position += hasControls && widget?.hasControl ? 2 : 1;
  }
  return promoted;

  function set(name: string, value: unknown): void {
    if (value !== null && value !== undefined) promoted.set(name, value);
  }
}

/** Values that an instance holds for widgets of its inner nodes shown directly: `[inner node, widget, value]`. */
export function proxiedValues(instance: UiNode): [string, string, unknown][] {
  const proxies = proxyWidgetsSchema.safeParse(instance.properties?.proxyWidgets);
  const values = instance.widgets_values;
  if (!proxies.success || !Array.isArray(values)) return [];
  return proxies.data.flatMap(([node, widget], i): [string, string, unknown][] => {
    const value: unknown = values[i];
    const isGiven = node !== OWN_INPUT && value !== null && value !== undefined;
    return isGiven ? [[node, widget, value]] : [];
  });
}

/** For each input of the subgraph the widget that it feeds first, where it feeds one. */
function widgetsBehind(
  definition: UiSubgraph,
  { nodeInfo }: PromotedSources,
): Map<number, { readonly hasControl: boolean }> {
  const behind = new Map<number, { readonly hasControl: boolean }>();
  const links = new Map(definition.links.map((link) => [link.id, link]));
  for (const node of definition.nodes) {
    for (const { link: id, name, widget } of node.inputs) {
      const link = id === undefined ? undefined : links.get(id);
      if (link?.originId !== definition.inputNode || behind.has(link.originSlot) || !widget)
        continue;
      const info = nodeInfo(node.type);
      const declaration = info && declaredInputs(info).find(([declared]) => declared === name)?.[1];
      behind.set(link.originSlot, {
        hasControl: declaration !== undefined && hasControl(name, declaration),
      });
    }
  }
  return behind;
}
