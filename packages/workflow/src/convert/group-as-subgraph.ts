import type { UiGroup, UiInput, UiLink, UiNode, UiSubgraph } from "./ui-workflow.ts";
import { declaredInputs, type NodeInfoLookup, widgetSlots } from "./widget-slots.ts";

const INPUT_NODE = "-10";
const OUTPUT_NODE = "-20";

/**
 * A group node's definition, written as a subgraph: inner nodes go by their position, the instance's values are dealt out
 * to their widgets by name, and sockets that lead out of the group are joined to the edge in the order of the instance's.
 */
export function groupAsSubgraph(
  instance: UiNode,
  group: UiGroup,
  nodeInfo: NodeInfoLookup,
): UiSubgraph {
  const links: UiLink[] = [];
  const nodes = group.nodes.map((node, index) => ({
    ...node,
    id: String(index),
    inputs: node.inputs.map((input) => ({ ...input, link: undefined })),
  }));
  const isUsedInside = new Set<string>();
  for (const [from, fromSlot, to, toSlot] of group.links) {
    if (from === null || to === null) continue;
    isUsedInside.add(`${from}:${fromSlot}`);
    join({
      originId: String(from),
      originSlot: fromSlot,
      targetId: String(to),
      targetSlot: toSlot,
    });
  }
  const inputs = groupInputs(group, nodes, nodeInfo);
  inputs.forEach(({ nodeId, slot }, position) => {
    join({ originId: INPUT_NODE, originSlot: position, targetId: nodeId, targetSlot: slot });
  });
  const outputs = groupOutputs(group, isUsedInside, nodeInfo);
  outputs.forEach(({ nodeId, slot }, position) => {
    join({ originId: nodeId, originSlot: slot, targetId: OUTPUT_NODE, targetSlot: position });
  });
  const values = dealValues(instance, group, nodeInfo);
  return {
    id: instance.type,
    name: instance.type,
    inputNode: INPUT_NODE,
    outputNode: OUTPUT_NODE,
    inputs: inputs.map(({ name, type }) => ({ name, type })),
    outputs: outputs.map(({ slot }) => ({ name: String(slot), type: "*" })),
    nodes: nodes.map((node, index) => ({ ...node, widgets_values: values[index] })),
    links,
    definitions: undefined,
  };

  function join(ends: Omit<UiLink, "id">): void {
    const id = String(links.length);
    const target = nodes[Number(ends.targetId)]?.inputs[ends.targetSlot];
    links.push({ id, ...ends });
    if (target !== undefined) Object.assign(target, { link: id });
  }
}

interface EdgeSlot {
  readonly nodeId: string;
  readonly slot: number;
}

/** Sockets of all nodes first, in the order of their definitions, then the widgets that were turned into sockets. */
function groupInputs(
  group: UiGroup,
  nodes: readonly UiNode[],
  nodeInfo: NodeInfoLookup,
): (EdgeSlot & Pick<UiInput, "name" | "type">)[] {
  const sockets: (EdgeSlot & Pick<UiInput, "name" | "type">)[] = [];
  const widgets: typeof sockets = [];
  nodes.forEach((node, index) => {
    const info = nodeInfo(node.type);
    const order = info === undefined ? [] : declaredInputs(info).map(([name]) => name);
    const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
    const isHidden = (input: UiInput) => {
      const shown = group.config?.[index]?.input;
      return (shown?.[input.name] ?? shown?.[input.type])?.visible === false;
    };
    const free = node.inputs
      .map(({ name, type, link, widget }, slot) => ({
        nodeId: node.id,
        slot,
        name,
        type,
        link,
        widget,
      }))
      .filter((input) => input.link === undefined && !isHidden(input))
      .sort((a, b) => rank(a.name) - rank(b.name));
    sockets.push(...free.filter(({ widget }) => !widget));
    widgets.push(...free.filter(({ widget }) => widget));
  });
  return [...sockets, ...widgets];
}

/** Outputs that nothing inside uses, those marked as external, and those that the configuration shows. */
function groupOutputs(
  group: UiGroup,
  isUsedInside: ReadonlySet<string>,
  nodeInfo: NodeInfoLookup,
): EdgeSlot[] {
  const external = new Set(group.external.map(({ index, slot }) => `${index}:${slot}`));
  return group.nodes.flatMap((node, index) => {
    const count =
      node.outputs.length > 0 ? node.outputs.length : (nodeInfo(node.type)?.output.length ?? 0);
    return Array.from({ length: count }, (_, slot) => ({ nodeId: String(index), slot })).filter(
      ({ slot }) => {
        const key = `${index}:${slot}`;
        return (
          group.config?.[index]?.output?.[slot]?.visible ??
          (!isUsedInside.has(key) || external.has(key))
        );
      },
    );
  });
}

/**
 * Each inner node's widget values. The instance holds those of all nodes in a row: first the plain widgets, then those
 * that are sockets inside. A node takes as many as its own saved values are; classes that grew since would shift the rest.
 */
function dealValues(
  instance: UiNode,
  group: UiGroup,
  nodeInfo: NodeInfoLookup,
): UiNode["widgets_values"][] {
  const given = Array.isArray(instance.widgets_values) ? instance.widgets_values : [];
  const dealt = group.nodes.map((node) => ({ node, own: ownSlots(node, nodeInfo) }));
  let position = 0;
  for (const takesSockets of [false, true]) {
    for (const { own } of dealt) {
      for (const slot of own) {
        if (slot.isSocket !== takesSockets) continue;
        if (position < given.length) slot.value = given[position];
        position += 1;
      }
    }
  }
  return dealt.map(({ node, own }) => {
    if (nodeInfo(node.type) === undefined) return own.map(({ value }) => value);
    return Object.fromEntries(
      own.flatMap(({ name, isValue, value }) => (isValue ? [[name, value]] : [])),
    );
  });
}

interface OwnSlot {
  readonly name: string;
  readonly isValue: boolean;
  readonly isSocket: boolean;
  value: unknown;
}

function ownSlots(node: UiNode, nodeInfo: NodeInfoLookup): OwnSlot[] {
  const info = nodeInfo(node.type);
  const values = node.widgets_values;
  const sockets = new Set(node.inputs.flatMap(({ widget }) => (widget ? [widget.name] : [])));
  if (!Array.isArray(values)) {
    return Object.entries(values ?? {}).map(([name, value]) => ({
      name,
      isValue: true,
      isSocket: sockets.has(name),
      value,
    }));
  }
  const slots = info === undefined ? [] : widgetSlots(info, values);
  return values.map((value, i) => {
    const { name = "", isValue = false } = slots[i] ?? {};
    return { name, isValue, isSocket: sockets.has(name), value };
  });
}
