import { weightedSum } from "../math/weighted-sum.ts";
import { eulerStep, slope } from "./euler.ts";
import type { Solver } from "./solver.ts";

/**
 * Heun's method with up to three slopes, at this level and the next two, weighted by their levels:
 *
 *   x' = x + (n - s) (w1 d + w2 d' + w3 d''),    w2 = n/(3 s0), w3 = n''/(3 s0), w1 = 1 - w2 - w3
 *
 * The last step but one has two slopes, with s0 counted twice; the last has one.
 */
export const heunpp2: Solver = async (denoise, x, sigmas, { onStep }) => {
  const last = sigmas.length - 1;
  const end = sigmas[last]!;
  let current = x;
  for (let step = 0; step < last; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    const dt = n - s;
    const arrived = eulerStep(current, denoised, s, n);
    if (n === end) {
      current = arrived;
      continue;
    }
    const d = slope(current, denoised, s);
    const d2 = slope(arrived, await denoise(arrived, n), n);
    const after = sigmas[step + 2]!;
    if (after === end) {
      const w2 = n / (2 * sigmas[0]!);
      current = weightedSum([1, current], [dt * (1 - w2), d], [dt * w2, d2]);
      continue;
    }
    const farther = weightedSum([1, arrived], [after - n, d2]);
    const d3 = slope(farther, await denoise(farther, after), after);
    const w2 = n / (3 * sigmas[0]!);
    const w3 = after / (3 * sigmas[0]!);
    current = weightedSum([1, current], [dt * (1 - w2 - w3), d], [dt * w2, d2], [dt * w3, d3]);
  }
  return current;
};
