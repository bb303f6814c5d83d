import type { InputDeclaration, NodeCatalogEntry, NodeInfo } from "@rabbitloom/protocol";
import type { NodeClass, NodeOutput } from "./define-node.ts";
import type { NodeInput } from "./input.ts";

/** What a worker announces of a node class: ComfyUI's `/object_info` entry and what validation needs besides. */
export function nodeCatalogEntry(node: NodeClass): NodeCatalogEntry {
  const listed: NodeCatalogEntry["listed"] = {};
  for (const [name, input] of Object.entries(node.inputs)) {
    if (input.listed !== undefined) listed[name] = input.listed;
  }
  const takes = node.validate?.takes ?? [];
  return {
    info: nodeInfo(node),
    listed,
    validates: takes === "all" ? "all" : [...takes],
    validatesTypes: node.validate?.takesTypes ?? false,
  };
}

function nodeInfo(node: NodeClass): NodeInfo {
  const isV3 = node.schema === "v3";
  const required: Record<string, InputDeclaration> = {};
  const optional: Record<string, InputDeclaration> = {};
  for (const [name, input] of Object.entries(node.inputs)) {
    (input.optional ? optional : required)[name] = declaration(input, isV3);
    if (input.showAsOptionalToo) optional[name] = declaration(input, isV3);
  }
  const hidden: Record<string, unknown> = {};
  for (const [name, word] of Object.entries(node.hidden ?? {})) {
    hidden[name] = isV3 && typeof word === "string" ? [word] : word;
  }
  const input = {
    required,
    ...(Object.keys(optional).length > 0 ? { optional } : {}),
    ...(Object.keys(hidden).length > 0 ? { hidden } : {}),
  };
  const outputs = node.outputs.map(fullOutput);
  const tooltips = outputs.map((output) => output.tooltip ?? null);
  return {
    input,
    input_order: Object.fromEntries(
      Object.entries(input).map(([group, inputs]) => [group, Object.keys(inputs)]),
    ),
    output: outputs.map(({ type }) => (typeof type === "string" ? type : [...type])),
    output_is_list: outputs.map((output) => output.isList ?? false),
    output_name: outputs.map((output) => output.name ?? String(output.type)),
    name: node.name,
    display_name: node.displayName ?? (isV3 ? null : node.name),
    description: node.description ?? "",
    python_module: node.module ?? "nodes",
    category: node.category,
    output_node: node.isOutputNode ?? false,
    ...(tooltips.some((tooltip) => tooltip !== null) ? { output_tooltips: tooltips } : {}),
    ...(isV3 || node.deprecated ? { deprecated: node.deprecated ?? false } : {}),
    ...(isV3 || node.experimental ? { experimental: node.experimental ?? false } : {}),
    ...(isV3 || node.isApiNode ? { api_node: node.isApiNode ?? false } : {}),
  };
}

function fullOutput(output: NodeOutput): Exclude<NodeOutput, string> {
  return typeof output === "string" ? { type: output } : output;
}

function declaration({ type, options }: NodeInput, isV3: boolean): InputDeclaration {
  if (typeof type === "string") {
    return options === undefined && !isV3 ? [type] : [type, { ...options }];
  }
  if (isV3) return ["COMBO", { ...options, options: [...type] }];
  return options === undefined ? [[...type]] : [[...type], { ...options }];
}
