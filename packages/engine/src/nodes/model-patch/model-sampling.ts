/** Nodes that say how a model's output is to be read, where its file does not. */
import { latentFormats } from "../../models/latent-formats.ts";
import type { DiffusionModel, ModelSampling, Prediction } from "../../models/model.ts";
import {
  everyNthSigma,
  scaledLinearSigmas,
  zeroTerminalSnrSigmas,
} from "../../schedule/discrete-sigmas.ts";
import { defineNode } from "../define-node.ts";
import { boolean, combo, float, int, model } from "../input.ts";

const category = "advanced/model";
const module = "comfy_extras.nodes_model_advanced";
const outputs = ["MODEL"] as const;

const discretePredictions = {
  eps: "eps",
  v_prediction: "v",
  lcm: "lcm",
  x0: "x0",
  img_to_img: "img-to-img",
} as const satisfies Record<string, Prediction>;

/** Consistency models are trained at every 20th timestep. */
const LCM_SPACING = 20;

export const modelSamplingDiscrete = defineNode({
  name: "ModelSamplingDiscrete",
  category,
  module,
  inputs: {
    model: model(),
    sampling: combo(["eps", "v_prediction", "lcm", "x0", "img_to_img"]),
    zsnr: boolean({ default: false }),
  },
  outputs,
  run: ({ model, sampling, zsnr }) => {
    const plain = scaledLinearSigmas();
    const sigmas = zsnr ? zeroTerminalSnrSigmas(plain) : plain;
    const spacing = sampling === "lcm" ? LCM_SPACING : 1;
    return [
      resampled(model, discretePredictions[sampling], {
        kind: "discrete",
        sigmaData: 1,
        sigmas: everyNthSigma(sigmas, spacing),
        spacing,
      }),
    ];
  },
});

const EDM_SIGMA_DATA = 0.5;

export const modelSamplingContinuousEdm = defineNode({
  name: "ModelSamplingContinuousEDM",
  category,
  module,
  inputs: {
    model: model(),
    sampling: combo(["v_prediction", "edm", "edm_playground_v2.5", "eps", "cosmos_rflow"]),
    sigma_max: float({ default: 120.0, min: 0.0, max: 1000.0, step: 0.001, round: false }),
    sigma_min: float({ default: 0.002, min: 0.0, max: 1000.0, step: 0.001, round: false }),
  },
  outputs,
  run: ({ model, sampling, sigma_max, sigma_min }) => {
    if (sampling === "cosmos_rflow") {
      throw new Error("sampling cosmos_rflow is that of Cosmos models, which are not run here");
    }
    const isEdm = sampling === "edm" || sampling === "edm_playground_v2.5";
    const prediction = isEdm ? "edm" : sampling === "eps" ? "eps" : "v";
    const changed = resampled(model, prediction, {
      kind: "continuous",
      sigmaData: isEdm ? EDM_SIGMA_DATA : 1,
      ...sigmaRange(sigma_min, sigma_max),
      timestep: "edm",
    });
    if (sampling !== "edm_playground_v2.5") return [changed];
    return [{ ...changed, latentFormat: latentFormats.playground }];
  },
});

export const modelSamplingContinuousV = defineNode({
  name: "ModelSamplingContinuousV",
  category,
  module,
  inputs: {
    model: model(),
    sampling: combo(["v_prediction"]),
    sigma_max: float({ default: 500.0, min: 0.0, max: 1000.0, step: 0.001, round: false }),
    sigma_min: float({ default: 0.03, min: 0.0, max: 1000.0, step: 0.001, round: false }),
  },
  outputs,
  run: ({ model, sigma_max, sigma_min }) => [
    resampled(model, "v", {
      kind: "continuous",
      sigmaData: 1,
      ...sigmaRange(sigma_min, sigma_max),
      timestep: "v",
    }),
  ],
});

export const modelSamplingSd3 = defineNode({
  name: "ModelSamplingSD3",
  category,
  module,
  inputs: { model: model(), shift: shiftInput(3.0) },
  outputs,
  run: ({ model, shift }) => [resampled(model, "flow", { kind: "flow", shift, multiplier: 1000 })],
});

export const modelSamplingAuraFlow = defineNode({
  name: "ModelSamplingAuraFlow",
  category,
  module,
  inputs: { model: model(), shift: shiftInput(1.73) },
  outputs,
  run: ({ model, shift }) => [resampled(model, "flow", { kind: "flow", shift, multiplier: 1 })],
});

/** ln of the shift grows with the number of tokens, of 16x16 pixels each: the base at 256, the maximum at 4096. */
export const modelSamplingFlux = defineNode({
  name: "ModelSamplingFlux",
  category,
  module,
  inputs: {
    model: model(),
    max_shift: shiftInput(1.15),
    base_shift: shiftInput(0.5),
    width: int({ default: 1024, min: 16, max: 16384, step: 8 }),
    height: int({ default: 1024, min: 16, max: 16384, step: 8 }),
  },
  outputs,
  run: ({ model, max_shift, base_shift, width, height }) => {
    const tokens = (width * height) / 256;
    const logShift = base_shift + ((max_shift - base_shift) * (tokens - 256)) / (4096 - 256);
    const shift = Math.exp(logShift);
    return [resampled(model, "flow", { kind: "flow", shift, multiplier: 1, levels: 10_000 })];
  },
});

function resampled(
  model: DiffusionModel,
  prediction: Prediction,
  sampling: ModelSampling,
): DiffusionModel {
  return { ...model, prediction, sampling };
}

function sigmaRange(sigmaMin: number, sigmaMax: number) {
  if (sigmaMin <= 0 || sigmaMax <= sigmaMin) {
    throw new Error(
      `sigma_min must be over 0 and under sigma_max, got ${sigmaMin} and ${sigmaMax}`,
    );
  }
  return { sigmaMin, sigmaMax };
}

function shiftInput(value: number) {
  return float({ default: value, min: 0.0, max: 100.0, step: 0.01 });
}
