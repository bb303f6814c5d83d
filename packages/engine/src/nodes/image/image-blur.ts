import { gaussianBlur } from "../../image/gaussian-blur.ts";
import { defineNode } from "../define-node.ts";
import { float, image, int } from "../input.ts";

export const imageBlur = defineNode({
  name: "ImageBlur",
  category: "image/postprocessing",
  module: "comfy_extras.nodes_post_processing",
  schema: "v3",
  inputs: {
    image: image(),
    blur_radius: int({ default: 1, min: 1, max: 31, step: 1 }),
    sigma: float({ default: 1.0, min: 0.1, max: 10.0, step: 0.1 }),
  },
  outputs: ["IMAGE"],
  run: ({ image, blur_radius, sigma }) => [gaussianBlur(image, { radius: blur_radius, sigma })],
});
