import { groupAsSubgraph } from "./group-as-subgraph.ts";
import { NotConvertible } from "./not-convertible.ts";
import { promotedValues } from "./promoted-values.ts";
import { isBypassed, isMuted, type UiGraph, uiGraph } from "./ui-graph.ts";
import type { UiGroup, UiLink, UiNode, UiSubgraph, UiWorkflow } from "./ui-workflow.ts";
import type { NodeInfoLookup } from "./widget-slots.ts";

/** A level of the workflow: the workflow itself, or one use of a subgraph or group node. */
export interface Scope {
  /** Goes before the ids of its nodes: "" at the top, `57:` inside node 57. */
  readonly prefix: string;
  readonly graph: UiGraph;
  /** How it hangs in the level above; absent at the top. */
  readonly boundary: Boundary | undefined;
  /** Levels inside, by the id of the node that stands for them here. */
  readonly children: ReadonlyMap<string, Scope>;
  /** Inside a subgraph: the link that feeds each of its outputs. */
  readonly outputLinks: ReadonlyMap<number, UiLink>;
  /** Values that primitives and promoted widgets put in the place of a node's own: node id, then widget name. */
  readonly overrides: Map<string, Map<string, unknown>>;
}

export interface Boundary {
  readonly parent: Scope;
  readonly instance: UiNode;
  readonly definition: UiSubgraph;
  /** Group nodes match their inputs by position, subgraphs by name. */
  readonly isGroup: boolean;
  /** Values that the instance holds for inputs of the definition, by name. */
  readonly promoted: ReadonlyMap<string, unknown>;
}

/** Levels inside each other; people draw two or three. */
const MAX_DEPTH = 64;

/** Small files can name each other's insides again and again; this bounds what comes out. */
const MAX_NODES = 50_000;

/** Of all levels together, their inputs and links counted: each use of a subgraph or group costs its whole definition. */
const MAX_PARTS = 2_000_000;

/** Opens every subgraph and group node that takes part, each use on its own. */
export function openScopes(workflow: UiWorkflow, nodeInfo: NodeInfoLookup): Scope {
  const { groupNodes } = workflow.extra;
  const subgraphs = new Map<string, UiSubgraph>();
  collectSubgraphs(workflow.definitions, subgraphs);
  let nodeCount = 0;
  let partCount = 0;
  return open(uiGraph(workflow.nodes, workflow.links), "", undefined, []);

  function open(
    graph: UiGraph,
    prefix: string,
    boundary: Boundary | undefined,
    path: readonly string[],
  ): Scope {
    nodeCount += graph.nodes.length;
    if (nodeCount > MAX_NODES)
      throw new NotConvertible([], `the workflow opens into more than ${MAX_NODES} nodes`);
    partCount += partsOf(graph, boundary);
    if (partCount > MAX_PARTS)
      throw new NotConvertible(
        [],
        `the workflow opens into more than ${MAX_PARTS} inputs and links`,
      );
    const children = new Map<string, Scope>();
    const outputLinks = new Map<number, UiLink>();
    for (const link of graph.links.values()) {
      if (link.targetId === boundary?.definition.outputNode) outputLinks.set(link.targetSlot, link);
    }
    const scope: Scope = { prefix, graph, boundary, children, outputLinks, overrides: new Map() };
    for (const instance of graph.nodes) {
      if (isMuted(instance) || isBypassed(instance)) continue;
      const inner = definitionOf(instance);
      if (inner === undefined) continue;
      const refused = path.includes(instance.type)
        ? "its subgraph contains itself"
        : path.length >= MAX_DEPTH && `subgraphs nest deeper than ${MAX_DEPTH} levels`;
      if (refused)
        throw new NotConvertible([{ id: prefix + instance.id, node: instance, reason: refused }]);
      const { definition, isGroup } = inner;
      const promoted = isGroup
        ? new Map<string, unknown>()
        : promotedValues(instance, definition, { nodeInfo, subgraphs });
      const innerGraph = uiGraph(definition.nodes, definition.links);
      const child = open(
        innerGraph,
        `${prefix}${instance.id}:`,
        { parent: scope, instance, definition, isGroup, promoted },
        [...path, instance.type],
      );
      children.set(instance.id, child);
    }
    return scope;
  }

  function definitionOf(
    instance: UiNode,
  ): { definition: UiSubgraph; isGroup: boolean } | undefined {
    const subgraph = subgraphs.get(instance.type);
    if (subgraph !== undefined) return { definition: subgraph, isGroup: false };
    const group = groupOf(instance.type, groupNodes);
    return group === undefined
      ? undefined
      : { definition: groupAsSubgraph(instance, group, nodeInfo), isGroup: true };
  }
}

function partsOf({ nodes, links }: UiGraph, boundary: Boundary | undefined): number {
  const edge = boundary?.definition;
  const shown = boundary?.instance.properties?.proxyWidgets;
  const values = boundary?.instance.widgets_values;
  const inputs = nodes.reduce((sum, node) => sum + node.inputs.length, 0);
  const slots = (edge?.inputs.length ?? 0) + (edge?.outputs.length ?? 0);
  const widgets = (Array.isArray(shown) ? shown.length : 0) + Object.keys(values ?? {}).length;
  return inputs + links.size + slots + widgets;
}

function collectSubgraphs(
  definitions: UiWorkflow["definitions"],
  found: Map<string, UiSubgraph>,
): void {
  for (const subgraph of definitions?.subgraphs ?? []) {
    found.set(subgraph.id, subgraph);
    collectSubgraphs(subgraph.definitions, found);
  }
}

function groupOf(type: string, groups: Readonly<Record<string, UiGroup>>): UiGroup | undefined {
  if (!type.startsWith("workflow/") && !type.startsWith("workflow>")) return undefined;
  const name = type.slice("workflow/".length);
  return Object.hasOwn(groups, name) ? groups[name] : undefined;
}
