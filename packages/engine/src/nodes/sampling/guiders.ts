import { basicGuider, cfgGuider, dualCfgGuider, perpNegGuider } from "../../guidance/guider.ts";
import { defineNode } from "../define-node.ts";
import { combo, conditioning, float, model } from "../input.ts";
import { cfgInput, customSampling } from "./inputs.ts";

const category = "sampling/custom_sampling/guiders";

export const basicGuiderNode = defineNode({
  ...customSampling,
  name: "BasicGuider",
  category,
  inputs: { model: model(), conditioning: conditioning() },
  outputs: ["GUIDER"],
  run: (inputs) => [basicGuider(inputs.model, inputs.conditioning)],
});

export const cfgGuiderNode = defineNode({
  ...customSampling,
  name: "CFGGuider",
  category,
  inputs: {
    model: model(),
    positive: conditioning(),
    negative: conditioning(),
    cfg: cfgInput(),
  },
  outputs: ["GUIDER"],
  run: ({ model, positive, negative, cfg }) => [cfgGuider(model, { positive, negative, cfg })],
});

export const dualCfgGuiderNode = defineNode({
  ...customSampling,
  name: "DualCFGGuider",
  category,
  inputs: {
    model: model(),
    cond1: conditioning(),
    cond2: conditioning(),
    negative: conditioning(),
    cfg_conds: cfgInput(),
    cfg_cond2_negative: cfgInput(),
    style: combo(["regular", "nested"]),
  },
  outputs: ["GUIDER"],
  run: (inputs) => [
    dualCfgGuider(inputs.model, {
      first: inputs.cond1,
      second: inputs.cond2,
      negative: inputs.negative,
      cfgConds: inputs.cfg_conds,
      cfgSecondNegative: inputs.cfg_cond2_negative,
      style: inputs.style,
    }),
  ],
});

export const perpNegGuiderNode = defineNode({
  name: "PerpNegGuider",
  category: "_for_testing",
  module: "comfy_extras.nodes_perpneg",
  schema: "v3",
  experimental: true,
  inputs: {
    model: model(),
    positive: conditioning(),
    negative: conditioning(),
    empty_conditioning: conditioning(),
    cfg: cfgInput(),
    neg_scale: float({ default: 1.0, min: 0.0, max: 100.0, step: 0.01 }),
  },
  outputs: ["GUIDER"],
  run: ({ model, positive, negative, empty_conditioning, cfg, neg_scale }) => [
    perpNegGuider(model, { positive, negative, empty: empty_conditioning, cfg, scale: neg_scale }),
  ],
});
