import { weightedSum } from "../math/weighted-sum.ts";
import type { Solver } from "./solver.ts";

/** x' = D + n noise: all the way down, and noise back up. Luo et al. 2023, arXiv:2310.04378, alg. 3. */
export const lcm: Solver = async (denoise, x, sigmas, { onStep, noise }) => {
  let current = x;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    current = n > 0 ? weightedSum([1, denoised], [n, noise(s, n)]) : denoised;
  }
  return current;
};
