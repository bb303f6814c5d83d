import { cannyEdges } from "../../image/canny.ts";
import { defineNode } from "../define-node.ts";
import { float, image } from "../input.ts";
import { maskAsImage } from "../mask/image-and-mask.ts";

export const canny = defineNode({
  name: "Canny",
  category: "image/preprocessors",
  module: "comfy_extras.nodes_canny",
  schema: "v3",
  inputs: {
    image: image(),
    low_threshold: float({ default: 0.4, min: 0.01, max: 0.99, step: 0.01 }),
    high_threshold: float({ default: 0.8, min: 0.01, max: 0.99, step: 0.01 }),
  },
  outputs: ["IMAGE"],
  run: ({ image, low_threshold, high_threshold }) => [
    maskAsImage(cannyEdges(image, { low: low_threshold, high: high_threshold })),
  ],
});
