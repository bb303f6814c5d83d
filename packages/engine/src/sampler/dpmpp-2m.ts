import { weightedSum } from "../math/weighted-sum.ts";
import { eulerStep } from "./euler.ts";
import type { Solver } from "./solver.ts";

/**
 * Multistep: D continued in ln sigma through the last two evaluations, one evaluation a step.
 *
 *   x' = (n/s) x + (1 - n/s) (D + (D - D_old)/(2r)),    r = h_old/h, h = ln(s/n)
 *
 * Lu et al. 2022, DPM-Solver++, arXiv:2211.01095, alg. 2. The first and the last step use D alone.
 */
export const dpmpp2m: Solver = async (denoise, x, sigmas, { onStep }) => {
  let current = x;
  let old: Float32Array | undefined;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    if (old === undefined || n === 0) {
      current = eulerStep(current, denoised, s, n);
    } else {
      const f = Math.log(s / n) / (2 * Math.log(sigmas[step - 1]! / s));
      current = eulerStep(current, weightedSum([1 + f, denoised], [-f, old]), s, n);
    }
    old = denoised;
  }
  return current;
};
