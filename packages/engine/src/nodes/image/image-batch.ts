import { withChannels } from "../../image/alpha.ts";
import { concatenateBatches } from "../../image/batch.ts";
import { resizeImage } from "../../image/resize.ts";
import { defineNode } from "../define-node.ts";
import { image } from "../input.ts";

/** image2 is cut and stretched to image1's size; where only one has alpha, the other becomes opaque. */
export const imageBatch = defineNode({
  name: "ImageBatch",
  displayName: "Batch Images",
  category: "image",
  inputs: { image1: image(), image2: image() },
  outputs: ["IMAGE"],
  run: ({ image1, image2 }) => {
    const channels = Math.max(image1.shape.at(-1) ?? 3, image2.shape.at(-1) ?? 3);
    const first = withChannels(image1, channels);
    const second = withChannels(image2, channels);
    const [, height = 1, width = 1] = first.shape;
    const sameSize = second.shape[1] === height && second.shape[2] === width;
    const fitted = sameSize
      ? second
      : resizeImage(second, { width, height, method: "bilinear", crop: "center" });
    return [concatenateBatches([first, fitted])];
  },
});
