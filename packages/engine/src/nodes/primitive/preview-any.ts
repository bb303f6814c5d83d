import { stringifyJson } from "@rabbitloom/workflow";
import { defineNode } from "../define-node.ts";
import { any } from "../input.ts";

/** Shows any value as text: strings as they are, plain data as JSON, tensors by their shape. */
export const previewAny = defineNode({
  name: "PreviewAny",
  displayName: "Preview Any",
  category: "utils",
  module: "comfy_extras.nodes_preview_any",
  inputs: { source: any({}) },
  outputs: [],
  isOutputNode: true,
  run: ({ source }) => ({ ui: { text: [describe(source)] } }),
});

function describe(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return String(value);
  return stringifyJson(withShapes(value), { form: "python" });
}

/** Numbers by the thousand are told by their shape, functions by their name. */
function withShapes(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withShapes);
  if ("data" in value && value.data instanceof Float32Array && "shape" in value) {
    return `tensor of shape ${stringifyJson(value.shape, { form: "python" })}`;
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withShapes(part)]));
}
