/** Values as nodes: each hands on its widget. */
import { defineNode } from "../define-node.ts";
import { boolean, float, int, string } from "../input.ts";

const module = "comfy_extras.nodes_primitive";
const category = "utils/primitive";

/** The largest signed 64-bit number. */
const MAX = 2n ** 63n - 1n;

export const primitiveString = defineNode({
  name: "PrimitiveString",
  displayName: "String",
  category,
  module,
  schema: "v3",
  inputs: { value: string({ multiline: false }) },
  outputs: ["STRING"],
  run: ({ value }) => [value],
});

export const primitiveStringMultiline = defineNode({
  name: "PrimitiveStringMultiline",
  displayName: "String (Multiline)",
  category,
  module,
  schema: "v3",
  inputs: { value: string({ multiline: true }) },
  outputs: ["STRING"],
  run: ({ value }) => [value],
});

export const primitiveInt = defineNode({
  name: "PrimitiveInt",
  displayName: "Int",
  category,
  module,
  schema: "v3",
  inputs: { value: int({ min: -MAX, max: MAX, control_after_generate: true }) },
  outputs: ["INT"],
  run: ({ value }) => [value],
});

export const primitiveFloat = defineNode({
  name: "PrimitiveFloat",
  displayName: "Float",
  category,
  module,
  schema: "v3",
  inputs: { value: float({ min: -MAX, max: MAX }) },
  outputs: ["FLOAT"],
  run: ({ value }) => [value],
});

export const primitiveBoolean = defineNode({
  name: "PrimitiveBoolean",
  displayName: "Boolean",
  category,
  module,
  schema: "v3",
  inputs: { value: boolean() },
  outputs: ["BOOLEAN"],
  run: ({ value }) => [value],
});
