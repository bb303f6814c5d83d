import { weightedSum } from "../math/weighted-sum.ts";
import { ancestralSplit } from "./ancestral.ts";
import { eulerStep } from "./euler.ts";
import type { Solver, StochasticSettings } from "./solver.ts";

/** x' = x + (down - s) d + up noise: an Euler step below the next level, and noise up to it. */
export const eulerAncestral: Solver<StochasticSettings> = async (
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
    current = eulerStep(current, denoised, s, down);
    if (n > 0) current = weightedSum([1, current], [sNoise * up, noise(s, n)]);
  }
  return current;
};
