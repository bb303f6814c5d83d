import { weightedSum } from "../math/weighted-sum.ts";
import type { Solver } from "./solver.ts";

/**
 *   x' = x + (n - s) d,    d = (x - D)/s
 *
 * Karras et al. 2022, arXiv:2206.00364, alg. 1. In these coordinates DDIM is the same.
 */
export const euler: Solver = async (denoise, x, sigmas, { onStep }) => {
  let current = x;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    current = eulerStep(current, denoised, s, sigmas[step + 1]!);
  }
  return current;
};

/** x + (n - s) (x - D)/s, as a mixture: at n = 0 exactly D. */
export function eulerStep(x: Float32Array, denoised: Float32Array, s: number, n: number) {
  return weightedSum([n / s, x], [1 - n / s, denoised]);
}

/** d = (x - D)/s, dx by dsigma. */
export function slope(x: Float32Array, denoised: Float32Array, s: number): Float32Array {
  return weightedSum([1 / s, x], [-1 / s, denoised]);
}
