import { mapPairs } from "../../image/pointwise.ts";
import { clamp } from "../../image/rounding.ts";
import { createTorchRng } from "../../math/torch-random.ts";
import { defineNode } from "../define-node.ts";
import { float, image } from "../input.ts";
import { seedInput } from "../sampling/inputs.ts";

/** image + strength * noise, clipped; the noise is torch's for that seed, one draw over the batch. */
export const imageAddNoise = defineNode({
  name: "ImageAddNoise",
  category: "image",
  module: "comfy_extras.nodes_images",
  inputs: {
    image: image(),
    seed: seedInput(),
    strength: float({ default: 0.5, min: 0.0, max: 1.0, step: 0.01 }),
  },
  outputs: ["IMAGE"],
  run: ({ image, seed, strength }) => {
    const noise = { shape: image.shape, data: createTorchRng(seed).randn(image.data.length) };
    return [mapPairs(image, noise, (pixel, draw) => clamp(pixel + strength * draw, 0, 1))];
  },
});
