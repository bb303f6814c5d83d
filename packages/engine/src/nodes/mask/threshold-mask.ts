import { mapValues } from "../../image/pointwise.ts";
import { defineNode } from "../define-node.ts";
import { float, mask } from "../input.ts";

export const thresholdMask = defineNode({
  name: "ThresholdMask",
  category: "mask",
  module: "comfy_extras.nodes_mask",
  inputs: { mask: mask(), value: float({ default: 0.5, min: 0.0, max: 1.0, step: 0.01 }) },
  outputs: ["MASK"],
  run: ({ mask, value }) => {
    const threshold = Math.fround(value);
    return [mapValues(mask, (m) => (m > threshold ? 1 : 0))];
  },
});
