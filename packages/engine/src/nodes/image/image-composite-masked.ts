import { withChannels } from "../../image/alpha.ts";
import { composite } from "../../image/composite.ts";
import { channelsFirst, channelsLast } from "../../image/resize.ts";
import { defineNode } from "../define-node.ts";
import { boolean, image, int, mask } from "../input.ts";

export const imageCompositeMasked = defineNode({
  name: "ImageCompositeMasked",
  category: "image",
  module: "comfy_extras.nodes_mask",
  inputs: {
    destination: image(),
    source: image(),
    x: int({ default: 0, min: 0, max: 16384, step: 1 }),
    y: int({ default: 0, min: 0, max: 16384, step: 1 }),
    resize_source: boolean({ default: false }),
    mask: mask({ optional: true }),
  },
  outputs: ["IMAGE"],
  run: ({ destination, source, x, y, resize_source, mask }) => {
    const channels = destination.shape.at(-1) ?? 3;
    const result = composite({
      destination: channelsFirst(destination),
      source: channelsFirst(withChannels(source, channels)),
      x,
      y,
      mask,
      resizeSource: resize_source,
    });
    return [channelsLast(result)];
  },
});
