import * as cfgPp from "./cfg-pp.ts";
import { ddpm } from "./ddpm.ts";
import { deis } from "./deis.ts";
import { dpm2, dpm2Ancestral } from "./dpm-2.ts";
import { dpmAdaptive } from "./dpm-adaptive.ts";
import { dpmFast } from "./dpm-fast.ts";
import { dpmpp2m } from "./dpmpp-2m.ts";
import { dpmpp2mSde } from "./dpmpp-2m-sde.ts";
import { dpmpp2sAncestral } from "./dpmpp-2s-ancestral.ts";
import { dpmpp3mSde } from "./dpmpp-3m-sde.ts";
import { dpmppSde } from "./dpmpp-sde.ts";
import { erSde } from "./er-sde.ts";
import { euler } from "./euler.ts";
import { eulerAncestral } from "./euler-ancestral.ts";
import { gradientEstimation } from "./gradient-estimation.ts";
import { heun } from "./heun.ts";
import { heunpp2 } from "./heunpp2.ts";
import { ipndm } from "./ipndm.ts";
import { ipndmV } from "./ipndm-v.ts";
import { lcm } from "./lcm.ts";
import { lms } from "./lms.ts";
import { resMultistep, resMultistepAncestral } from "./res-multistep.ts";
import { saSolver } from "./sa-solver.ts";
import { seeds2, seeds3 } from "./seeds.ts";
import type { DenoiseBoth, GuidedSolver, Solver, SolverOptions } from "./solver.ts";
import { uniPc } from "./uni-pc.ts";

/** Where a sampler's noise comes from: one generator of the seed, or a Brownian tree over the levels. */
export type NoiseKind = "normal" | "brownian";

/** A SAMPLER: a solver with its settings, as nodes hand it on. */
export interface Sampler {
  readonly name: string;
  readonly noise: NoiseKind;
  /** CFG++: the negative side is evaluated even where cfg is 1. */
  readonly needsNegative: boolean;
  run(
    denoise: DenoiseBoth,
    x: Float32Array,
    sigmas: Float32Array,
    options: SamplerOptions,
  ): Promise<Float32Array>;
}

export interface SamplerOptions extends SolverOptions {
  /** Level at a part of the sampling, for solvers that are random in a part only. */
  readonly sigmaAtPercent: (percent: number) => number;
}

/** By ComfyUI's names, in its order. The `_gpu` forms differ in where a GPU's noise is drawn; here all is drawn on the CPU. */
export const SAMPLER_NAMES = [
  "euler",
  "euler_cfg_pp",
  "euler_ancestral",
  "euler_ancestral_cfg_pp",
  "heun",
  "heunpp2",
  "dpm_2",
  "dpm_2_ancestral",
  "lms",
  "dpm_fast",
  "dpm_adaptive",
  "dpmpp_2s_ancestral",
  "dpmpp_2s_ancestral_cfg_pp",
  "dpmpp_sde",
  "dpmpp_sde_gpu",
  "dpmpp_2m",
  "dpmpp_2m_cfg_pp",
  "dpmpp_2m_sde",
  "dpmpp_2m_sde_gpu",
  "dpmpp_2m_sde_heun",
  "dpmpp_2m_sde_heun_gpu",
  "dpmpp_3m_sde",
  "dpmpp_3m_sde_gpu",
  "ddpm",
  "lcm",
  "ipndm",
  "ipndm_v",
  "deis",
  "res_multistep",
  "res_multistep_cfg_pp",
  "res_multistep_ancestral",
  "res_multistep_ancestral_cfg_pp",
  "gradient_estimation",
  "gradient_estimation_cfg_pp",
  "er_sde",
  "seeds_2",
  "seeds_3",
  "sa_solver",
  "sa_solver_pece",
  "ddim",
  "uni_pc",
  "uni_pc_bh2",
] as const;

export type SamplerName = (typeof SAMPLER_NAMES)[number];

const heunSde: Solver = (denoise, x, sigmas, options) =>
  dpmpp2mSde(denoise, x, sigmas, { ...options, solverType: "heun" });

const samplers: Record<SamplerName, Sampler> = {
  euler: plain("euler", euler),
  euler_cfg_pp: guided("euler_cfg_pp", cfgPp.eulerCfgPp),
  euler_ancestral: plain("euler_ancestral", eulerAncestral),
  euler_ancestral_cfg_pp: guided("euler_ancestral_cfg_pp", cfgPp.eulerAncestralCfgPp),
  heun: plain("heun", heun),
  heunpp2: plain("heunpp2", heunpp2),
  dpm_2: plain("dpm_2", dpm2),
  dpm_2_ancestral: plain("dpm_2_ancestral", dpm2Ancestral),
  lms: plain("lms", lms),
  dpm_fast: plain("dpm_fast", dpmFast),
  dpm_adaptive: plain("dpm_adaptive", dpmAdaptive),
  dpmpp_2s_ancestral: plain("dpmpp_2s_ancestral", dpmpp2sAncestral),
  dpmpp_2s_ancestral_cfg_pp: guided("dpmpp_2s_ancestral_cfg_pp", cfgPp.dpmpp2sAncestralCfgPp),
  dpmpp_sde: plain("dpmpp_sde", dpmppSde, "brownian"),
  dpmpp_sde_gpu: plain("dpmpp_sde_gpu", dpmppSde, "brownian"),
  dpmpp_2m: plain("dpmpp_2m", dpmpp2m),
  dpmpp_2m_cfg_pp: guided("dpmpp_2m_cfg_pp", cfgPp.dpmpp2mCfgPp),
  dpmpp_2m_sde: plain("dpmpp_2m_sde", dpmpp2mSde, "brownian"),
  dpmpp_2m_sde_gpu: plain("dpmpp_2m_sde_gpu", dpmpp2mSde, "brownian"),
  dpmpp_2m_sde_heun: plain("dpmpp_2m_sde_heun", heunSde, "brownian"),
  dpmpp_2m_sde_heun_gpu: plain("dpmpp_2m_sde_heun_gpu", heunSde, "brownian"),
  dpmpp_3m_sde: plain("dpmpp_3m_sde", dpmpp3mSde, "brownian"),
  dpmpp_3m_sde_gpu: plain("dpmpp_3m_sde_gpu", dpmpp3mSde, "brownian"),
  ddpm: plain("ddpm", ddpm),
  lcm: plain("lcm", lcm),
  ipndm: plain("ipndm", ipndm),
  ipndm_v: plain("ipndm_v", ipndmV),
  deis: plain("deis", deis),
  res_multistep: plain("res_multistep", resMultistep),
  res_multistep_cfg_pp: guided("res_multistep_cfg_pp", cfgPp.resMultistepCfgPp),
  res_multistep_ancestral: plain("res_multistep_ancestral", resMultistepAncestral),
  res_multistep_ancestral_cfg_pp: guided(
    "res_multistep_ancestral_cfg_pp",
    cfgPp.resMultistepAncestralCfgPp,
  ),
  gradient_estimation: plain("gradient_estimation", gradientEstimation),
  gradient_estimation_cfg_pp: guided("gradient_estimation_cfg_pp", cfgPp.gradientEstimationCfgPp),
  er_sde: plain("er_sde", erSde),
  seeds_2: plain("seeds_2", seeds2),
  seeds_3: plain("seeds_3", seeds3),
  sa_solver: saSampler("sa_solver", false),
  sa_solver_pece: saSampler("sa_solver_pece", true),
  ddim: plain("ddim", euler),
  uni_pc: plain("uni_pc", uniPc),
  uni_pc_bh2: plain("uni_pc_bh2", (denoise, x, sigmas, options) =>
    uniPc(denoise, x, sigmas, { ...options, variant: "bh2" }),
  ),
};

/** The sampler with its usual settings. */
export function samplerNamed(name: SamplerName): Sampler {
  return samplers[name];
}

/** These are given one level more, and the last but one is left out. Only KSampler's schedules do this. */
export function discardsPenultimate(name: SamplerName): boolean {
  return ["dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"].includes(name);
}

/** A sampler of a solver that sees the guided prediction alone. */
export function plain(name: string, solver: Solver, noise: NoiseKind = "normal"): Sampler {
  return {
    name,
    noise,
    needsNegative: false,
    run: (denoise, x, sigmas, options) =>
      solver(async (at, sigma) => (await denoise(at, sigma)).denoised, x, sigmas, options),
  };
}

export function guided(name: string, solver: GuidedSolver): Sampler {
  return { name, noise: "normal", needsNegative: true, run: solver };
}

/** Random between 20 and 80 percent of the sampling. */
function saSampler(name: string, usePece: boolean): Sampler {
  return {
    ...plain(name, euler),
    run: (denoise, x, sigmas, options) =>
      saSolver(async (at, sigma) => (await denoise(at, sigma)).denoised, x, sigmas, {
        ...options,
        usePece,
        tau: tauBetween(options.sigmaAtPercent(0.2), options.sigmaAtPercent(0.8)),
      }),
  };
}

/** eta from the first level down to the second, 0 elsewhere. */
export function tauBetween(start: number, end: number, eta = 1): (sigma: number) => number {
  return (sigma) => (sigma <= start && sigma >= end ? eta : 0);
}
