/** Nodes that change SIGMAS. */
import { roundHalfEven } from "../../image/rounding.ts";
import {
  extendSigmas,
  flipSigmas,
  splitSigmas,
  splitSigmasAtDenoise,
  withFirstSigma,
} from "../../schedule/edit-sigmas.ts";
import { noiseLevels } from "../../schedule/noise-levels.ts";
import { defineNode } from "../define-node.ts";
import { boolean, combo, float, int, model } from "../input.ts";
import { customSampling, denoiseInput, sigmasInput } from "./inputs.ts";

const category = "sampling/custom_sampling/sigmas";
const bothParts = [
  { type: "SIGMAS", name: "high_sigmas" },
  { type: "SIGMAS", name: "low_sigmas" },
] as const;

export const splitSigmasNode = defineNode({
  ...customSampling,
  name: "SplitSigmas",
  category,
  inputs: { sigmas: sigmasInput(), step: int({ default: 0, min: 0, max: 10000 }) },
  outputs: bothParts,
  run: ({ sigmas, step }) => splitSigmas(sigmas, step),
});

export const splitSigmasDenoise = defineNode({
  ...customSampling,
  name: "SplitSigmasDenoise",
  category,
  inputs: { sigmas: sigmasInput(), denoise: denoiseInput() },
  outputs: bothParts,
  run: ({ sigmas, denoise }) => splitSigmasAtDenoise(sigmas, denoise, roundHalfEven),
});

export const flipSigmasNode = defineNode({
  ...customSampling,
  name: "FlipSigmas",
  category,
  inputs: { sigmas: sigmasInput() },
  outputs: ["SIGMAS"],
  run: ({ sigmas }) => [flipSigmas(sigmas)],
});

export const setFirstSigma = defineNode({
  ...customSampling,
  name: "SetFirstSigma",
  category,
  inputs: {
    sigmas: sigmasInput(),
    sigma: float({ default: 136.0, min: 0.0, max: 20000.0, step: 0.001, round: false }),
  },
  outputs: ["SIGMAS"],
  run: ({ sigmas, sigma }) => [withFirstSigma(sigmas, sigma)],
});

export const extendIntermediateSigmas = defineNode({
  ...customSampling,
  name: "ExtendIntermediateSigmas",
  category,
  inputs: {
    sigmas: sigmasInput(),
    steps: int({ default: 2, min: 1, max: 100 }),
    start_at_sigma: float({ default: -1.0, min: -1.0, max: 20000.0, step: 0.01, round: false }),
    end_at_sigma: float({ default: 12.0, min: 0.0, max: 20000.0, step: 0.01, round: false }),
    spacing: combo(["linear", "cosine", "sine"]),
  },
  outputs: ["SIGMAS"],
  run: ({ sigmas, steps, start_at_sigma, end_at_sigma, spacing }) => [
    extendSigmas(sigmas, {
      steps,
      startSigma: start_at_sigma,
      endSigma: end_at_sigma,
      spacing,
    }),
  ],
});

/** At 0 percent a value above all levels unless the highest level itself is asked for; at 100 the lowest likewise. */
export const samplingPercentToSigma = defineNode({
  ...customSampling,
  name: "SamplingPercentToSigma",
  category,
  inputs: {
    model: model({}),
    sampling_percent: float({ default: 0.0, min: 0.0, max: 1.0, step: 0.0001 }),
    return_actual_sigma: boolean({ default: false }),
  },
  outputs: [{ type: "FLOAT", name: "sigma_value" }],
  run: ({ model, sampling_percent, return_actual_sigma }) => {
    const levels = noiseLevels(model.sampling);
    if (return_actual_sigma && sampling_percent === 0) return [levels.sigmaMax];
    if (return_actual_sigma && sampling_percent === 1) return [levels.sigmaMin];
    return [levels.sigmaAtPercent(sampling_percent)];
  },
});
