import { morphology as apply, MORPHOLOGY_OPERATIONS } from "../../image/morphology.ts";
import { defineNode } from "../define-node.ts";
import { combo, image, int } from "../input.ts";

export const morphology = defineNode({
  name: "Morphology",
  displayName: "ImageMorphology",
  category: "image/postprocessing",
  module: "comfy_extras.nodes_morphology",
  schema: "v3",
  inputs: {
    image: image(),
    operation: combo(MORPHOLOGY_OPERATIONS, { multiselect: false }),
    kernel_size: int({ default: 3, min: 3, max: 999, step: 1 }),
  },
  outputs: ["IMAGE"],
  run: ({ image, operation, kernel_size }) => [apply(image, operation, kernel_size)],
});
