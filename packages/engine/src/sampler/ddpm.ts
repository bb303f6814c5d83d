import { weightedSum } from "../math/weighted-sum.ts";
import type { Solver } from "./solver.ts";

/**
 * The posterior of the variance-preserving chain y = x/sqrt(1 + s^2), with a = 1/(1 + s^2), b = 1/(1 + n^2), e = (x - D)/s:
 *
 *   y' = sqrt(b/a) (y - (1 - a/b) e / sqrt(1 - a)) + sqrt((1 - a/b) (1 - b) / (1 - a)) noise
 *
 * Ho et al. 2020, arXiv:2006.11239, alg. 2; x' = y' sqrt(1 + n^2).
 */
export const ddpm: Solver = async (denoise, x, sigmas, { onStep, noise }) => {
  let current = x;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    const a = 1 / (1 + s ** 2);
    const b = 1 / (1 + n ** 2);
    const alpha = a / b;
    const outer = Math.sqrt(1 / alpha) * Math.sqrt(1 + n ** 2);
    const perNoise = (1 - alpha) / Math.sqrt(1 - a) / s;
    current = weightedSum(
      [outer * (Math.sqrt(a) - perNoise), current],
      [outer * perNoise, denoised],
    );
    if (n > 0) {
      const deviation = Math.sqrt(((1 - alpha) * (1 - b)) / (1 - a)) * Math.sqrt(1 + n ** 2);
      current = weightedSum([1, current], [deviation, noise(s, n)]);
    }
  }
  return current;
};
