import { gaussianBlur } from "../../image/gaussian-blur.ts";
import { mapPairs } from "../../image/pointwise.ts";
import { clamp } from "../../image/rounding.ts";
import { defineNode } from "../define-node.ts";
import { float, image, int } from "../input.ts";

/** Unsharp masking with ten times alpha: (1 + 10 alpha) * image - 10 alpha * blur, clipped. */
export const imageSharpen = defineNode({
  name: "ImageSharpen",
  category: "image/postprocessing",
  module: "comfy_extras.nodes_post_processing",
  schema: "v3",
  inputs: {
    image: image(),
    sharpen_radius: int({ default: 1, min: 1, max: 31, step: 1 }),
    sigma: float({ default: 1.0, min: 0.1, max: 10.0, step: 0.01 }),
    alpha: float({ default: 1.0, min: 0.0, max: 5.0, step: 0.01 }),
  },
  outputs: ["IMAGE"],
  run: ({ image, sharpen_radius, sigma, alpha }) => {
    if (sharpen_radius === 0) return [image];
    const amount = alpha * 10;
    const blurred = gaussianBlur(image, { radius: sharpen_radius, sigma });
    return [
      mapPairs(image, blurred, (sharp, soft) => clamp((1 + amount) * sharp - amount * soft, 0, 1)),
    ];
  },
});
