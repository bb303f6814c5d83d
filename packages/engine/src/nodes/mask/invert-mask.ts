import { inverted } from "../../image/pointwise.ts";
import { defineNode } from "../define-node.ts";
import { mask } from "../input.ts";

export const invertMask = defineNode({
  name: "InvertMask",
  category: "mask",
  module: "comfy_extras.nodes_mask",
  inputs: { mask: mask() },
  outputs: ["MASK"],
  run: ({ mask }) => [inverted(mask)],
});
