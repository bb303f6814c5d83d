import { withChannels } from "../../image/alpha.ts";
import { BLEND_MODES, blendModes } from "../../image/blend.ts";
import { mapPairs } from "../../image/pointwise.ts";
import { resizeImage } from "../../image/resize.ts";
import { clamp } from "../../image/rounding.ts";
import { defineNode } from "../define-node.ts";
import { combo, float, image } from "../input.ts";

/** (1 - factor) * image1 + factor * mode(image1, image2), clipped; image2 is fitted to image1. */
export const imageBlend = defineNode({
  name: "ImageBlend",
  category: "image/postprocessing",
  module: "comfy_extras.nodes_post_processing",
  schema: "v3",
  inputs: {
    image1: image(),
    image2: image(),
    blend_factor: float({ default: 0.5, min: 0.0, max: 1.0, step: 0.01 }),
    blend_mode: combo(BLEND_MODES, { multiselect: false }),
  },
  outputs: ["IMAGE"],
  run: ({ image1, image2, blend_factor, blend_mode }) => {
    const [, height = 1, width = 1, channels = 3] = image1.shape;
    const upper = resizeImage(withChannels(image2, channels), {
      width,
      height,
      method: "bicubic",
      crop: "center",
    });
    const mode = blendModes[blend_mode];
    const f = Math.fround;
    const keep = f(1 - blend_factor);
    const factor = f(blend_factor);
    return [
      mapPairs(image1, upper, (a, b) => clamp(f(f(a * keep) + f(mode(a, b) * factor)), 0, 1)),
    ];
  },
});
