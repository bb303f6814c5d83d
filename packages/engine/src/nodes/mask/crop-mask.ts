import { asMaskBatch } from "../../image/mask-shape.ts";
import { asChannels, channelPlanes, cropPlanes } from "../../image/plane.ts";
import { defineNode } from "../define-node.ts";
import { int, mask } from "../input.ts";

export const cropMask = defineNode({
  name: "CropMask",
  category: "mask",
  module: "comfy_extras.nodes_mask",
  inputs: {
    mask: mask(),
    x: int({ default: 0, min: 0, max: 16384, step: 1 }),
    y: int({ default: 0, min: 0, max: 16384, step: 1 }),
    width: int({ default: 512, min: 1, max: 16384, step: 1 }),
    height: int({ default: 512, min: 1, max: 16384, step: 1 }),
  },
  outputs: ["MASK"],
  run: ({ mask, x, y, width, height }) => {
    const batch = asMaskBatch(mask);
    const planes = channelPlanes(batch);
    if (x >= planes.width || y >= planes.height) {
      throw new Error(
        `the crop at (${x}, ${y}) lies outside of the mask, which is ${planes.width}x${planes.height}`,
      );
    }
    const box = {
      x,
      y,
      width: Math.min(width, planes.width - x),
      height: Math.min(height, planes.height - y),
    };
    return [asChannels(cropPlanes(planes, box), batch)];
  },
});
