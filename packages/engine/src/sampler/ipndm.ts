import { weightedSum } from "../math/weighted-sum.ts";
import { slope } from "./euler.ts";
import type { Solver } from "./solver.ts";

/** Weights of the newest and the older slopes, by how many there are. Adams-Bashforth for even steps. */
const WEIGHTS = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const;

/** x' = x + (n - s) sum_j w_j d_j over up to 4 slopes. Zhang and Chen 2023, arXiv:2204.13902; Liu et al. 2022, arXiv:2202.09778. */
export const ipndm: Solver = async (denoise, x, sigmas, { onStep }) => {
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
    slopes.length = Math.min(slopes.length, WEIGHTS.length);
    const weights = WEIGHTS[slopes.length - 1]!;
    const terms = slopes.map((d, j) => [(n - s) * weights[j]!, d] as const);
    current = weightedSum([1, current], ...terms);
  }
  return current;
};
