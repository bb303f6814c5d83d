import { growMask as grow } from "../../image/grow-mask.ts";
import { defineNode } from "../define-node.ts";
import { boolean, int, mask } from "../input.ts";

export const growMask = defineNode({
  name: "GrowMask",
  category: "mask",
  module: "comfy_extras.nodes_mask",
  inputs: {
    mask: mask(),
    expand: int({ default: 0, min: -16384, max: 16384, step: 1 }),
    tapered_corners: boolean({ default: true }),
  },
  outputs: ["MASK"],
  run: ({ mask, expand, tapered_corners }) => [
    grow(mask, { steps: expand, taperedCorners: tapered_corners }),
  ],
});
