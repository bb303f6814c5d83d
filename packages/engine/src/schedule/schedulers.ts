import { polyexponentialSigmas } from "./exponential.ts";
import { karrasSigmas } from "./karras.ts";
import { klOptimalSigmas } from "./kl-optimal.ts";
import { linearQuadraticSigmas } from "./linear-quadratic.ts";
import type { NoiseLevels } from "./noise-levels.ts";
import { betaSigmas, ddimUniformSigmas, simpleSigmas } from "./table-schedules.ts";
import { normalSigmas, sgmUniformSigmas } from "./uniform.ts";

type Scheduler = (levels: NoiseLevels, steps: number) => Float32Array;

/** By ComfyUI's names, in its order. */
const schedulers = {
  simple: simpleSigmas,
  sgm_uniform: sgmUniformSigmas,
  karras: ({ sigmaMin, sigmaMax }, steps) => karrasSigmas(steps, sigmaMin, sigmaMax),
  exponential: ({ sigmaMin, sigmaMax }, steps) => polyexponentialSigmas(steps, sigmaMin, sigmaMax),
  ddim_uniform: ddimUniformSigmas,
  beta: betaSigmas,
  normal: normalSigmas,
  linear_quadratic: ({ sigmaMax }, steps) => linearQuadraticSigmas(steps, sigmaMax),
  kl_optimal: ({ sigmaMin, sigmaMax }, steps) => klOptimalSigmas(steps, sigmaMin, sigmaMax),
} satisfies Record<string, Scheduler>;

export type SchedulerName = keyof typeof schedulers;

export const SCHEDULER_NAMES = [
  "simple",
  "sgm_uniform",
  "karras",
  "exponential",
  "ddim_uniform",
  "beta",
  "normal",
  "linear_quadratic",
  "kl_optimal",
] as const satisfies readonly SchedulerName[];

/** Noise levels of a whole sampling, about [steps + 1], descending, the last one 0. */
export function scheduleSigmas(
  name: SchedulerName,
  levels: NoiseLevels,
  steps: number,
): Float32Array {
  return schedulers[name](levels, steps);
}

/**
 * The last `steps` steps of a schedule that is longer by 1/denoise: what is left to do for a picture that
 * keeps 1 - denoise of its way. Empty for denoise 0.
 */
export function partialSigmas(
  steps: number,
  denoise: number,
  schedule: (steps: number) => Float32Array,
): Float32Array {
  if (denoise > 0.9999) return schedule(steps);
  if (denoise <= 0) return new Float32Array(0);
  const sigmas = schedule(Math.trunc(steps / denoise));
  return sigmas.slice(Math.max(sigmas.length - (steps + 1), 0));
}
