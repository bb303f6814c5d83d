import { weightedSum } from "../math/weighted-sum.ts";
import { eulerStep, slope } from "./euler.ts";
import type { Solver } from "./solver.ts";

/** x' = x + (n - s) (d + d')/2, d' the slope where an Euler step arrives. Karras et al. 2022, alg. 1. */
export const heun: Solver = async (denoise, x, sigmas, { onStep }) => {
  let current = x;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    const arrived = eulerStep(current, denoised, s, n);
    if (n === 0) return arrived;
    const half = (n - s) / 2;
    const d = slope(current, denoised, s);
    const dNext = slope(arrived, await denoise(arrived, n), n);
    current = weightedSum([1, current], [half, d], [half, dNext]);
  }
  return current;
};
