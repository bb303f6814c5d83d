import { weightedSum } from "../math/weighted-sum.ts";
import { ancestralSplit } from "./ancestral.ts";
import { eulerStep } from "./euler.ts";
import type { Solver, StochasticSettings } from "./solver.ts";

/**
 * Two evaluations a step, the second at the geometric middle m = sqrt(s down):
 *
 *   u = (m/s) x + (1 - m/s) D,    x' = (down/s) x + (1 - down/s) D(u, m) + up noise
 *
 * Lu et al. 2022, DPM-Solver++, arXiv:2211.01095, alg. 1 with r = 1/2.
 */
export const dpmpp2sAncestral: Solver<StochasticSettings> = async (
  denoise,
  x,
  sigmas,
  { onStep, noise, eta = 1, sNoise = 1 },
) => {
  let current = x;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    const { down, up } = ancestralSplit(s, n, eta);
    if (down === 0) {
      current = eulerStep(current, denoised, s, down);
    } else {
      const middle = Math.sqrt(s * down);
      const halfway = eulerStep(current, denoised, s, middle);
      current = eulerStep(current, await denoise(halfway, middle), s, down);
    }
    if (n > 0) current = weightedSum([1, current], [sNoise * up, noise(s, n)]);
  }
  return current;
};
