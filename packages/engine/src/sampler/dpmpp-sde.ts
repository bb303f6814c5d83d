import { weightedSum } from "../math/weighted-sum.ts";
import { ancestralSplit } from "./ancestral.ts";
import { eulerStep } from "./euler.ts";
import type { Solver, StochasticSettings } from "./solver.ts";

/**
 * Two evaluations a step, with noise before each, m = s^(1-r) n^r between the levels:
 *
 *   u  = x + (down_m - s) d + up_m noise(s,m)
 *   x' = (down/s) x + (1 - down/s) ((1 - f) D + f D(u, m)) + up noise(s,n),    f = 1/(2r)
 *
 * Lu et al. 2022, DPM-Solver++, arXiv:2211.01095, with the noise of its SDE form.
 */
export const dpmppSde: Solver<StochasticSettings & { readonly r?: number }> = async (
  denoise,
  x,
  sigmas,
  { onStep, noise, eta = 1, sNoise = 1, r = 1 / 2 },
) => {
  let current = x;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    if (n === 0) {
      current = denoised;
      continue;
    }
    const middle = s ** (1 - r) * n ** r;
    const half = ancestralSplit(s, middle, eta);
    const halfway = weightedSum(
      [1, eulerStep(current, denoised, s, half.down)],
      [sNoise * half.up, noise(s, middle)],
    );
    const later = await denoise(halfway, middle);
    const { down, up } = ancestralSplit(s, n, eta);
    const f = 1 / (2 * r);
    const mixed = weightedSum([1 - f, denoised], [f, later]);
    const arrived = eulerStep(current, mixed, s, down);
    current = weightedSum([1, arrived], [sNoise * up, noise(s, n)]);
  }
  return current;
};
