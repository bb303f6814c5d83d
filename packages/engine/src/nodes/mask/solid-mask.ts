import { filled } from "../../image/pointwise.ts";
import { defineNode } from "../define-node.ts";
import { float, int } from "../input.ts";

export const solidMask = defineNode({
  name: "SolidMask",
  category: "mask",
  module: "comfy_extras.nodes_mask",
  inputs: {
    value: float({ default: 1.0, min: 0.0, max: 1.0, step: 0.01 }),
    width: int({ default: 512, min: 1, max: 16384, step: 1 }),
    height: int({ default: 512, min: 1, max: 16384, step: 1 }),
  },
  outputs: ["MASK"],
  run: ({ value, width, height }) => [filled([1, height, width], value)],
});
