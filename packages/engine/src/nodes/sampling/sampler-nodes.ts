/** Nodes that make SAMPLERs. */
import * as cfgPp from "../../sampler/cfg-pp.ts";
import { dpmAdaptive } from "../../sampler/dpm-adaptive.ts";
import { dpmpp2mSde } from "../../sampler/dpmpp-2m-sde.ts";
import { dpmpp2sAncestral } from "../../sampler/dpmpp-2s-ancestral.ts";
import { dpmpp3mSde } from "../../sampler/dpmpp-3m-sde.ts";
import { dpmppSde } from "../../sampler/dpmpp-sde.ts";
import { erSde } from "../../sampler/er-sde.ts";
import { eulerAncestral } from "../../sampler/euler-ancestral.ts";
import { lms } from "../../sampler/lms.ts";
import { saSolver } from "../../sampler/sa-solver.ts";
import { guided, plain, SAMPLER_NAMES, samplerNamed, tauBetween } from "../../sampler/samplers.ts";
import { noiseLevels } from "../../schedule/noise-levels.ts";
import { defineNode } from "../define-node.ts";
import { boolean, combo, float, int, model, type NodeInput } from "../input.ts";
import { customSampling } from "./inputs.ts";

const category = "sampling/custom_sampling/samplers";
const outputs = ["SAMPLER"] as const;

const amount = (value: number, max = 100.0) =>
  float({ default: value, min: 0.0, max, step: 0.01, round: false });
/** All noise is drawn on the CPU, so that a seed gives one picture everywhere. */
const noiseDevice = combo(["gpu", "cpu"]);

export const ksamplerSelect = defineNode({
  ...customSampling,
  name: "KSamplerSelect",
  category,
  inputs: { sampler_name: combo(SAMPLER_NAMES) },
  outputs,
  run: ({ sampler_name }) => [samplerNamed(sampler_name)],
});

export const samplerEulerAncestral = defineNode({
  ...customSampling,
  name: "SamplerEulerAncestral",
  category,
  inputs: { eta: amount(1.0), s_noise: amount(1.0) },
  outputs,
  run: ({ eta, s_noise }) => [
    plain("euler_ancestral", (denoise, x, sigmas, options) =>
      eulerAncestral(denoise, x, sigmas, { ...options, eta, sNoise: s_noise }),
    ),
  ],
});

export const samplerEulerAncestralCfgPp = defineNode({
  ...customSampling,
  name: "SamplerEulerAncestralCFGPP",
  displayName: "SamplerEulerAncestralCFG++",
  category,
  inputs: { eta: amount(1.0, 1.0), s_noise: amount(1.0, 10.0) },
  outputs,
  run: ({ eta, s_noise }) => [
    guided("euler_ancestral_cfg_pp", (denoise, x, sigmas, options) =>
      cfgPp.eulerAncestralCfgPp(denoise, x, sigmas, { ...options, eta, sNoise: s_noise }),
    ),
  ],
});

export const samplerLms = defineNode({
  ...customSampling,
  name: "SamplerLMS",
  category,
  inputs: { order: int({ default: 4, min: 1, max: 100 }) },
  outputs,
  run: ({ order }) => [
    plain("lms", (denoise, x, sigmas, options) => lms(denoise, x, sigmas, { ...options, order })),
  ],
});

export const samplerDpmpp3mSde = defineNode({
  ...customSampling,
  name: "SamplerDPMPP_3M_SDE",
  category,
  inputs: { eta: amount(1.0), s_noise: amount(1.0), noise_device: noiseDevice },
  outputs,
  run: ({ eta, s_noise }) => [
    plain(
      "dpmpp_3m_sde",
      (denoise, x, sigmas, options) =>
        dpmpp3mSde(denoise, x, sigmas, { ...options, eta, sNoise: s_noise }),
      "brownian",
    ),
  ],
});

export const samplerDpmpp2mSde = defineNode({
  ...customSampling,
  name: "SamplerDPMPP_2M_SDE",
  category,
  inputs: {
    solver_type: combo(["midpoint", "heun"]),
    eta: amount(1.0),
    s_noise: amount(1.0),
    noise_device: noiseDevice,
  },
  outputs,
  run: ({ solver_type, eta, s_noise }) => [
    plain(
      "dpmpp_2m_sde",
      (denoise, x, sigmas, options) =>
        dpmpp2mSde(denoise, x, sigmas, {
          ...options,
          eta,
          sNoise: s_noise,
          solverType: solver_type,
        }),
      "brownian",
    ),
  ],
});

export const samplerDpmppSde = defineNode({
  ...customSampling,
  name: "SamplerDPMPP_SDE",
  category,
  inputs: { eta: amount(1.0), s_noise: amount(1.0), r: amount(0.5), noise_device: noiseDevice },
  outputs,
  run: ({ eta, s_noise, r }) => [
    plain(
      "dpmpp_sde",
      (denoise, x, sigmas, options) =>
        dpmppSde(denoise, x, sigmas, { ...options, eta, sNoise: s_noise, r }),
      "brownian",
    ),
  ],
});

export const samplerDpmpp2sAncestral = defineNode({
  ...customSampling,
  name: "SamplerDPMPP_2S_Ancestral",
  category,
  inputs: { eta: amount(1.0), s_noise: amount(1.0) },
  outputs,
  run: ({ eta, s_noise }) => [
    plain("dpmpp_2s_ancestral", (denoise, x, sigmas, options) =>
      dpmpp2sAncestral(denoise, x, sigmas, { ...options, eta, sNoise: s_noise }),
    ),
  ],
});

export const samplerDpmAdaptive = defineNode({
  ...customSampling,
  name: "SamplerDPMAdaptative",
  category,
  inputs: {
    order: int({ default: 3, min: 2, max: 3 }),
    rtol: amount(0.05),
    atol: amount(0.0078),
    h_init: amount(0.05),
    pcoeff: amount(0.0),
    icoeff: amount(1.0),
    dcoeff: amount(0.0),
    accept_safety: amount(0.81),
    eta: amount(0.0),
    s_noise: amount(1.0),
  },
  outputs,
  run: (inputs) => [
    plain("dpm_adaptive", (denoise, x, sigmas, options) =>
      dpmAdaptive(denoise, x, sigmas, {
        ...options,
        order: inputs.order === 2 ? 2 : 3,
        relativeTolerance: inputs.rtol,
        absoluteTolerance: inputs.atol,
        firstStep: inputs.h_init,
        proportional: inputs.pcoeff,
        integral: inputs.icoeff,
        derivative: inputs.dcoeff,
        acceptSafety: inputs.accept_safety,
        eta: inputs.eta,
        sNoise: inputs.s_noise,
      }),
    ),
  ],
});

const ER_SDE_TYPES = ["ER-SDE", "Reverse-time SDE", "ODE"] as const;

/** Declared as its class declares it: a COMBO whose values are an option. */
const erSdeType: NodeInput<(typeof ER_SDE_TYPES)[number], false> = {
  type: "COMBO",
  options: { options: ER_SDE_TYPES },
  optional: false,
};

/** `eta` is of the reverse-time SDE alone; with 0 that is the ODE. */
export const samplerErSde = defineNode({
  ...customSampling,
  name: "SamplerER_SDE",
  category,
  inputs: {
    solver_type: erSdeType,
    max_stage: int({ default: 3, min: 1, max: 3 }),
    eta: amount(1.0),
    s_noise: amount(1.0),
  },
  outputs,
  run: ({ solver_type, max_stage, eta, s_noise }) => {
    if (!ER_SDE_TYPES.includes(solver_type)) {
      throw new Error(`solver_type is one of ${ER_SDE_TYPES.join(", ")}, got "${solver_type}"`);
    }
    const isOde = solver_type === "ODE" || (solver_type === "Reverse-time SDE" && eta === 0);
    const power = isOde ? 1 : eta + 1;
    const settings = {
      maxStage: max_stage,
      sNoise: isOde ? 0 : s_noise,
      ...(solver_type === "ER-SDE" ? {} : { noiseScaler: (sigma: number) => sigma ** power }),
    };
    return [
      plain("er_sde", (denoise, x, sigmas, options) =>
        erSde(denoise, x, sigmas, { ...options, ...settings }),
      ),
    ];
  },
});

export const samplerSaSolver = defineNode({
  ...customSampling,
  name: "SamplerSASolver",
  category,
  inputs: {
    model: model({}),
    eta: amount(1.0, 10.0),
    sde_start_percent: float({ default: 0.2, min: 0.0, max: 1.0, step: 0.001 }),
    sde_end_percent: float({ default: 0.8, min: 0.0, max: 1.0, step: 0.001 }),
    s_noise: amount(1.0),
    predictor_order: int({ default: 3, min: 1, max: 6 }),
    corrector_order: int({ default: 4, min: 0, max: 6 }),
    use_pece: boolean({}),
    simple_order_2: boolean({}),
  },
  outputs,
  run: (inputs) => {
    const { sigmaAtPercent } = noiseLevels(inputs.model.sampling);
    const tau = tauBetween(
      sigmaAtPercent(inputs.sde_start_percent),
      sigmaAtPercent(inputs.sde_end_percent),
      inputs.eta,
    );
    return [
      plain("sa_solver", (denoise, x, sigmas, options) =>
        saSolver(denoise, x, sigmas, {
          ...options,
          tau,
          sNoise: inputs.s_noise,
          predictorOrder: inputs.predictor_order,
          correctorOrder: inputs.corrector_order,
          usePece: inputs.use_pece,
          simpleOrder2: inputs.simple_order_2,
        }),
      ),
    ];
  },
});

export const samplerEulerCfgPp = defineNode({
  name: "SamplerEulerCFGpp",
  displayName: "SamplerEulerCFG++",
  category: "_for_testing",
  module: "comfy_extras.nodes_advanced_samplers",
  schema: "v3",
  experimental: true,
  inputs: { version: combo(["regular", "alternative"], { multiselect: false }) },
  outputs,
  run: ({ version }) => [
    version === "regular"
      ? samplerNamed("euler_cfg_pp")
      : guided("euler_cfg_pp", cfgPp.eulerCfgPpAlternative),
  ],
});
