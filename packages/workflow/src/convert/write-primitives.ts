import { proxiedValues } from "./promoted-values.ts";
import type { Scope } from "./scope.ts";

/** Puts the values of primitive nodes, and of widgets that a subgraph's instance shows directly, into the widgets they stand for. */
export function writePrimitives(
  scope: Scope,
  finishText: (text: string, scope: Scope) => string,
): void {
  for (const node of scope.graph.nodes) {
    for (const { name, widget, link } of node.inputs) {
      if (!widget || link === undefined) continue;
      const origin = scope.graph.byId.get(scope.graph.links.get(link)?.originId ?? "");
      if (origin?.type !== "PrimitiveNode" || !Array.isArray(origin.widgets_values)) continue;
      const [value] = origin.widgets_values;
      if (value === undefined) continue;
      const replaces = origin.properties?.["Run widget replace on values"] === true;
      override(
        scope,
        node.id,
        widget.name || name,
        replaces && typeof value === "string" ? finishText(value, scope) : value,
      );
    }
  }
  for (const child of scope.children.values()) {
    if (child.boundary !== undefined && !child.boundary.isGroup) {
      for (const [node, widget, value] of proxiedValues(child.boundary.instance))
        override(child, node, widget, value);
    }
    writePrimitives(child, finishText);
  }
}

function override({ overrides }: Scope, nodeId: string, widget: string, value: unknown): void {
  const known = overrides.get(nodeId);
  if (known === undefined) overrides.set(nodeId, new Map([[widget, value]]));
  else known.set(widget, value);
}
