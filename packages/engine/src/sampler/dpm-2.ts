import { weightedSum } from "../math/weighted-sum.ts";
import { ancestralSplit } from "./ancestral.ts";
import { eulerStep, slope } from "./euler.ts";
import type { Solver, StochasticSettings } from "./solver.ts";

/** x' = x + (down - s) d', d' the slope at the geometric middle sqrt(s down). After Lu et al. 2022, arXiv:2206.00927. */
export const dpm2Ancestral: Solver<StochasticSettings> = async (
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
      continue;
    }
    const middle = Math.sqrt(s * down);
    const halfway = eulerStep(current, denoised, s, middle);
    const d = slope(halfway, await denoise(halfway, middle), middle);
    current = weightedSum([1, current], [down - s, d]);
    if (up > 0) current = weightedSum([1, current], [sNoise * up, noise(s, n)]);
  }
  return current;
};

/** The same without noise: down = n. */
export const dpm2: Solver = (denoise, x, sigmas, options) =>
  dpm2Ancestral(denoise, x, sigmas, { ...options, eta: 0 });
