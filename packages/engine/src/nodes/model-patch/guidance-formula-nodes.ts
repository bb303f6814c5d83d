/** Nodes that change how a model is guided, by formulas of single papers. */
import {
  cfgNorm,
  cfgZeroStar,
  epsilonScaling,
  linearCfg,
  mahiro,
  triangleCfg,
} from "../../guidance/guidance-formulas.ts";
import { withGuidance } from "../../guidance/model-guidance.ts";
import { adaptiveProjection, tangentialDamping } from "../../guidance/projected-guidance.ts";
import { defineNode } from "../define-node.ts";
import { float, model } from "../input.ts";

const patched = [{ type: "MODEL", name: "patched_model" }] as const;
const guidance = { category: "advanced/guidance", schema: "v3" } as const;

export const cfgZeroStarNode = defineNode({
  ...guidance,
  name: "CFGZeroStar",
  module: "comfy_extras.nodes_cfg",
  inputs: { model: model({}) },
  outputs: patched,
  run: ({ model }) => [withGuidance(model, { after: [cfgZeroStar] })],
});

export const cfgNormNode = defineNode({
  ...guidance,
  name: "CFGNorm",
  module: "comfy_extras.nodes_cfg",
  experimental: true,
  inputs: { model: model({}), strength: float({ default: 1.0, min: 0.0, max: 100.0, step: 0.01 }) },
  outputs: patched,
  run: ({ model, strength }) => [
    withGuidance(model, { after: [(stage) => cfgNorm(stage, strength)] }),
  ],
});

export const tcfgNode = defineNode({
  ...guidance,
  name: "TCFG",
  displayName: "Tangential Damping CFG",
  module: "comfy_extras.nodes_tcfg",
  inputs: { model: model({}) },
  outputs: patched,
  run: ({ model }) => [withGuidance(model, { before: [tangentialDamping] })],
});

export const apgNode = defineNode({
  name: "APG",
  displayName: "Adaptive Projected Guidance",
  category: "sampling/custom_sampling",
  module: "comfy_extras.nodes_apg",
  schema: "v3",
  inputs: {
    model: model({}),
    eta: float({ default: 1.0, min: -10.0, max: 10.0, step: 0.01 }),
    norm_threshold: float({ default: 5.0, min: 0.0, max: 50.0, step: 0.1 }),
    momentum: float({ default: 0.0, min: -5.0, max: 1.0, step: 0.01 }),
  },
  outputs: ["MODEL"],
  run: ({ model, eta, norm_threshold, momentum }) => [
    withGuidance(model, {
      before: [adaptiveProjection({ eta, normThreshold: norm_threshold, momentum })],
    }),
  ],
});

export const mahiroNode = defineNode({
  name: "Mahiro",
  displayName: "Mahiro is so cute that she deserves a better guidance function!! (。・ω・。)",
  category: "_for_testing",
  module: "comfy_extras.nodes_mahiro",
  schema: "v3",
  experimental: true,
  inputs: { model: model({}) },
  outputs: patched,
  run: ({ model }) => [withGuidance(model, { after: [mahiro] })],
});

export const epsilonScalingNode = defineNode({
  name: "Epsilon Scaling",
  category: "model_patches/unet",
  module: "comfy_extras.nodes_eps",
  schema: "v3",
  inputs: {
    model: model({}),
    scaling_factor: float({
      default: 1.005,
      min: 0.5,
      max: 1.5,
      step: 0.001,
      display: "number",
    }),
  },
  outputs: ["MODEL"],
  run: ({ model, scaling_factor }) => [
    withGuidance(model, { after: [(stage) => epsilonScaling(stage, scaling_factor)] }),
  ],
});

const video = {
  category: "sampling/video_models",
  module: "comfy_extras.nodes_video_model",
  outputs: ["MODEL"],
  inputs: {
    model: model(),
    min_cfg: float({ default: 1.0, min: 0.0, max: 100.0, step: 0.5, round: 0.01 }),
  },
} as const;

export const videoLinearCfgGuidance = defineNode({
  ...video,
  name: "VideoLinearCFGGuidance",
  run: ({ model, min_cfg }) => [
    withGuidance(model, { formula: (stage) => linearCfg(stage, min_cfg) }),
  ],
});

export const videoTriangleCfgGuidance = defineNode({
  ...video,
  name: "VideoTriangleCFGGuidance",
  run: ({ model, min_cfg }) => [
    withGuidance(model, { formula: (stage) => triangleCfg(stage, min_cfg) }),
  ],
});
