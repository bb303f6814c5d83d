import type { Scope } from "./scope.ts";
import type { UiNode } from "./ui-workflow.ts";
import type { NodeInfoLookup } from "./widget-slots.ts";
import { namedValues, savedValues } from "./widget-values.ts";

/** The value of a widget of the first node of a name, as `%Node.widget%` means it; undefined where there is none. */
export type FindWidget = (scope: Scope, name: string, widget: string) => unknown;

interface NamedNodes {
  readonly byName: ReadonlyMap<string, UiNode>;
  readonly byTitle: ReadonlyMap<string, UiNode>;
}

/**
 * The name that a node was made under counts before its title, and the level of the text before the top. Each level is gone
 * through once and each node read once, however often a file asks.
 */
export function widgetFinder(top: Scope, nodeInfo: NodeInfoLookup): FindWidget {
  const levels = new Map<Scope, NamedNodes>();
  const saved = new Map<UiNode, ReadonlyMap<string, unknown> | undefined>();

  function namedNodes(scope: Scope): NamedNodes {
    const known = levels.get(scope);
    if (known !== undefined) return known;
    const byName = new Map<string, UiNode>();
    const byTitle = new Map<string, UiNode>();
    for (const node of scope.graph.nodes) {
      const made = node.properties?.["Node name for S&R"];
      if (typeof made === "string" && !byName.has(made)) byName.set(made, node);
      if (typeof node.title === "string" && !byTitle.has(node.title)) byTitle.set(node.title, node);
    }
    const found = { byName, byTitle };
    levels.set(scope, found);
    return found;
  }

  /** What primitives put in the place of a value may still come: it is looked up each time. */
  function readValue(scope: Scope, node: UiNode, widget: string): unknown {
    const info = nodeInfo(node.type);
    if (!saved.has(node)) {
      saved.set(node, info === undefined ? namedValues(node) : savedValues(node, info));
    }
    const values = saved.get(node);
    const written = info === undefined ? undefined : scope.overrides.get(node.id);
    return values?.has(widget) && written?.has(widget) ? written.get(widget) : values?.get(widget);
  }

  return (scope, name, widget) => {
    for (const level of scope === top ? [top] : [scope, top]) {
      const { byName, byTitle } = namedNodes(level);
      const node = byName.get(name) ?? byTitle.get(name);
      if (node !== undefined) return readValue(level, node, widget);
    }
    return undefined;
  };
}
