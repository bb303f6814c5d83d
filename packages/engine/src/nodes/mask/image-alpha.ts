/** Alpha as a mask, the other way round: 1 is transparent. */
import { withChannels } from "../../image/alpha.ts";
import { sliceBatch } from "../../image/batch.ts";
import { asMaskBatch } from "../../image/mask-shape.ts";
import { resizeChannels } from "../../image/resize.ts";
import { tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { image, mask } from "../input.ts";

export const splitImageWithAlpha = defineNode({
  name: "SplitImageWithAlpha",
  displayName: "Split Image with Alpha",
  category: "mask/compositing",
  module: "comfy_extras.nodes_compositing",
  schema: "v3",
  inputs: { image: image() },
  outputs: ["IMAGE", "MASK"],
  run: ({ image }) => {
    const [batch = 1, height = 1, width = 1] = image.shape;
    const rgba = withChannels(image, 4);
    const transparency = tensor([batch, height, width]);
    for (let i = 0; i < transparency.data.length; i++) {
      transparency.data[i] = 1 - rgba.data[i * 4 + 3]!;
    }
    return [withChannels(image, 3), transparency];
  },
});

/** The mask is stretched to the image; the longer batch is cut. */
export const joinImageWithAlpha = defineNode({
  name: "JoinImageWithAlpha",
  displayName: "Join Image with Alpha",
  category: "mask/compositing",
  module: "comfy_extras.nodes_compositing",
  schema: "v3",
  inputs: { image: image(), alpha: mask() },
  outputs: ["IMAGE"],
  run: ({ image, alpha }) => {
    const [count = 1, height = 1, width = 1] = image.shape;
    const masks = resizeChannels(asMaskBatch(alpha), { width, height, method: "bilinear" });
    const batch = Math.min(count, masks.shape[0] ?? 1);
    const result = withChannels(withChannels(sliceBatch(image, 0, batch), 3), 4);
    const { data } = result;
    for (let i = 0; i * 4 < data.length; i++) data[i * 4 + 3] = 1 - masks.data[i]!;
    return [result];
  },
});
