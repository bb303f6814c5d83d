/** Nodes that make SIGMAS. */
import { roundHalfEven } from "../../image/rounding.ts";
import { alignYourStepsSigmas, type StepsModel } from "../../schedule/align-your-steps.ts";
import { laplaceSigmas, vpSigmas } from "../../schedule/continuous-schedules.ts";
import { polyexponentialSigmas } from "../../schedule/exponential.ts";
import { karrasSigmas } from "../../schedule/karras.ts";
import { noiseLevels } from "../../schedule/noise-levels.ts";
import { partialSigmas, SCHEDULER_NAMES, scheduleSigmas } from "../../schedule/schedulers.ts";
import { betaSigmas } from "../../schedule/table-schedules.ts";
import { turboSigmas } from "../../schedule/turbo.ts";
import { defineNode } from "../define-node.ts";
import { combo, float, int, model } from "../input.ts";
import { customSampling, denoiseInput, stepsInput } from "./inputs.ts";

const category = "sampling/custom_sampling/schedulers";
const outputs = ["SIGMAS"] as const;

const level = (value: number) =>
  float({ default: value, min: 0.0, max: 5000.0, step: 0.01, round: false });
const sigmaMaxInput = () => level(14.614642);
const sigmaMinInput = () => level(0.0291675);
const rhoInput = (value: number) =>
  float({ default: value, min: 0.0, max: 100.0, step: 0.01, round: false });

export const basicScheduler = defineNode({
  ...customSampling,
  name: "BasicScheduler",
  category,
  inputs: {
    model: model(),
    scheduler: combo(SCHEDULER_NAMES),
    steps: stepsInput(),
    denoise: denoiseInput(),
  },
  outputs,
  run: ({ model, scheduler, steps, denoise }) => {
    const levels = noiseLevels(model.sampling);
    return [partialSigmas(steps, denoise, (count) => scheduleSigmas(scheduler, levels, count))];
  },
});

export const karrasScheduler = defineNode({
  ...customSampling,
  name: "KarrasScheduler",
  category,
  inputs: {
    steps: stepsInput(),
    sigma_max: sigmaMaxInput(),
    sigma_min: sigmaMinInput(),
    rho: rhoInput(7.0),
  },
  outputs,
  run: ({ steps, sigma_max, sigma_min, rho }) => [karrasSigmas(steps, sigma_min, sigma_max, rho)],
});

export const exponentialScheduler = defineNode({
  ...customSampling,
  name: "ExponentialScheduler",
  category,
  inputs: { steps: stepsInput(), sigma_max: sigmaMaxInput(), sigma_min: sigmaMinInput() },
  outputs,
  run: ({ steps, sigma_max, sigma_min }) => [polyexponentialSigmas(steps, sigma_min, sigma_max)],
});

export const polyexponentialScheduler = defineNode({
  ...customSampling,
  name: "PolyexponentialScheduler",
  category,
  inputs: {
    steps: stepsInput(),
    sigma_max: sigmaMaxInput(),
    sigma_min: sigmaMinInput(),
    rho: rhoInput(1.0),
  },
  outputs,
  run: ({ steps, sigma_max, sigma_min, rho }) => [
    polyexponentialSigmas(steps, sigma_min, sigma_max, rho),
  ],
});

export const laplaceScheduler = defineNode({
  ...customSampling,
  name: "LaplaceScheduler",
  category,
  inputs: {
    steps: stepsInput(),
    sigma_max: sigmaMaxInput(),
    sigma_min: sigmaMinInput(),
    mu: float({ default: 0.0, min: -10.0, max: 10.0, step: 0.1, round: false }),
    beta: float({ default: 0.5, min: 0.0, max: 10.0, step: 0.1, round: false }),
  },
  outputs,
  run: ({ steps, sigma_max, sigma_min, mu, beta }) => [
    laplaceSigmas(steps, sigma_min, sigma_max, { mu, beta }),
  ],
});

export const vpScheduler = defineNode({
  ...customSampling,
  name: "VPScheduler",
  category,
  inputs: {
    steps: stepsInput(),
    beta_d: level(19.9),
    beta_min: level(0.1),
    eps_s: float({ default: 0.001, min: 0.0, max: 1.0, step: 0.0001, round: false }),
  },
  outputs,
  run: ({ steps, beta_d, beta_min, eps_s }) => [
    vpSigmas(steps, { betaD: beta_d, betaMin: beta_min, epsilon: eps_s }),
  ],
});

export const betaSamplingScheduler = defineNode({
  ...customSampling,
  name: "BetaSamplingScheduler",
  category,
  inputs: {
    model: model(),
    steps: stepsInput(),
    alpha: float({ default: 0.6, min: 0.0, max: 50.0, step: 0.01, round: false }),
    beta: float({ default: 0.6, min: 0.0, max: 50.0, step: 0.01, round: false }),
  },
  outputs,
  run: ({ model, steps, alpha, beta }) => [
    betaSigmas(noiseLevels(model.sampling), steps, { alpha, beta }),
  ],
});

export const sdTurboScheduler = defineNode({
  ...customSampling,
  name: "SDTurboScheduler",
  category,
  inputs: {
    model: model(),
    steps: int({ default: 1, min: 1, max: 10 }),
    denoise: float({ default: 1.0, min: 0, max: 1.0, step: 0.01 }),
  },
  outputs,
  run: ({ model, steps, denoise }) => [turboSigmas(noiseLevels(model.sampling), steps, denoise)],
});

const STEPS_MODELS = ["SD1", "SDXL", "SVD"] as const satisfies readonly StepsModel[];

export const alignYourStepsScheduler = defineNode({
  name: "AlignYourStepsScheduler",
  category,
  module: "comfy_extras.nodes_align_your_steps",
  schema: "v3",
  inputs: {
    model_type: combo(STEPS_MODELS, { multiselect: false }),
    steps: int({ default: 10, min: 1, max: 10000 }),
    denoise: denoiseInput(),
  },
  outputs,
  run: ({ model_type, steps, denoise }) => {
    if (denoise <= 0) return [new Float32Array(0)];
    const total = denoise < 1 ? roundHalfEven(steps * denoise) : steps;
    return [alignYourStepsSigmas(model_type, steps).slice(-(total + 1))];
  },
});
