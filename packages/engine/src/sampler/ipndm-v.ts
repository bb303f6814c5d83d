import { weightedSum } from "../math/weighted-sum.ts";
import { slope } from "./euler.ts";
import type { Solver } from "./solver.ts";

const MAX_ORDER = 4;

/**
 * As ipndm, with weights that follow from the steps' lengths: x' = x + h sum_j w_j d_j, h = n - s.
 * Zhou et al. 2024, arXiv:2312.00094 (diff-sampler).
 */
export const ipndmV: Solver = async (denoise, x, sigmas, { onStep }) => {
  let current = x;
  /** Newest first. */
  const slopes: Float32Array[] = [];
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    if (n === 0) {
      current = denoised;
      continue;
    }
    slopes.unshift(slope(current, denoised, s));
    slopes.length = Math.min(slopes.length, MAX_ORDER);
    const lengths = slopes.map((_, j) => sigmas[step + 1 - j]! - sigmas[step - j]!);
    const weights = unevenWeights(lengths);
    const terms = slopes.map((d, j) => [(n - s) * weights[j]!, d] as const);
    current = weightedSum([1, current], ...terms);
  }
  return current;
};

/**
 * Newton's form. With h, h1, h2, h3 the lengths of this and the last steps, d the slopes newest first:
 *
 *   d + h/(2 h1) e0 + a (e0 - p e1) + b ((e0 - p e1) - q (e1 - u e2)),    e_j = d_j - d_{j+1}
 *   p = h1/h2, u = h2/h3, q = h1 (h1 + h2) / (h2 (h2 + h3))
 *
 * a, b and the last slope's weight (with p where Newton has u) are the published solver's, not quite the
 * integrals of Newton's polynomials: with those the results are others than ComfyUI's.
 */
function unevenWeights(lengths: readonly number[]): readonly number[] {
  const order = lengths.length;
  const [h = 0, h1 = 1, h2 = 1, h3 = 1] = lengths;
  const p = h1 / h2;
  const u = h2 / h3;
  const q = (h1 * (h1 + h2)) / (h2 * (h2 + h3));
  const half = order < 2 ? 0 : h / (2 * h1);
  const a = order < 3 ? 0 : (1 - h ** 2 / (3 * h1 * (h1 + h2))) / 2;
  const b =
    order < 4
      ? 0
      : ((1 - h / (3 * (h + h1))) / 2 + ((1 - h / (2 * (h + h1))) * h) / (6 * (h + h1 + h2))) *
        ((h * (h + h1) * (h + h1 + h2)) / (h1 * (h1 + h2) * (h1 + h2 + h3)));
  const e0 = half + a + b;
  const e1 = -(a * p + b * (p + q));
  return [1 + e0, e1 - e0, b * q * u - e1, -b * q * p];
}
