import { float } from "../input.ts";

/** What all merging nodes have in common. */
export const mergeNode = {
  category: "advanced/model_merging",
  module: "comfy_extras.nodes_model_merging",
} as const;

export const ratio = float({ default: 1.0, min: 0.0, max: 1.0, step: 0.01 });
export const multiplier = float({ default: 1.0, min: -10.0, max: 10.0, step: 0.01 });
