/** Nodes that change how a model is guided. */
import { differentialMask } from "../../guidance/differential-mask.ts";
import { withGuidance } from "../../guidance/model-guidance.ts";
import { perturbedAttention } from "../../guidance/perturbed-attention.ts";
import { rescaleCfg } from "../../guidance/rescale-cfg.ts";
import { defineNode } from "../define-node.ts";
import { float, model } from "../input.ts";

export const rescaleCfgNode = defineNode({
  name: "RescaleCFG",
  category: "advanced/model",
  module: "comfy_extras.nodes_model_advanced",
  inputs: {
    model: model(),
    multiplier: float({ default: 0.7, min: 0.0, max: 1.0, step: 0.01 }),
  },
  outputs: ["MODEL"],
  run: ({ model, multiplier }) => [
    withGuidance(model, { formula: (stage) => rescaleCfg(stage, multiplier) }),
  ],
});

export const perturbedAttentionGuidance = defineNode({
  name: "PerturbedAttentionGuidance",
  category: "model_patches/unet",
  module: "comfy_extras.nodes_pag",
  schema: "v3",
  inputs: {
    model: model({}),
    scale: float({ default: 3.0, min: 0.0, max: 100.0, step: 0.01, round: 0.01 }),
  },
  outputs: ["MODEL"],
  run: ({ model, scale }) => [
    withGuidance(model, { after: [(stage) => perturbedAttention(stage, scale)] }),
  ],
});

export const differentialDiffusion = defineNode({
  name: "DifferentialDiffusion",
  displayName: "Differential Diffusion",
  category: "_for_testing",
  module: "comfy_extras.nodes_differential_diffusion",
  schema: "v3",
  experimental: true,
  inputs: {
    model: model(),
    strength: float({ optional: true, default: 1.0, min: 0.0, max: 1.0, step: 0.01 }),
  },
  outputs: ["MODEL"],
  run: ({ model, strength = 1 }) => [withGuidance(model, { maskAt: differentialMask(strength) })],
});
