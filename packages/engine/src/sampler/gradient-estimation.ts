import { weightedSum } from "../math/weighted-sum.ts";
import { slope } from "./euler.ts";
import type { Solver } from "./solver.ts";

/** x' = x + (n - s) (d + (gamma - 1)(d - d_old)). Permenter and Yuan 2024, arXiv:2306.04848; gamma = 2. */
export const gradientEstimation: Solver<{ readonly gamma?: number }> = async (
  denoise,
  x,
  sigmas,
  { onStep, gamma = 2 },
) => {
  let current = x;
  let old: Float32Array | undefined;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    if (n === 0) {
      current = denoised;
      continue;
    }
    const d = slope(current, denoised, s);
    const extra = old === undefined ? 0 : (gamma - 1) * (n - s);
    current = weightedSum([1, current], [n - s + extra, d], [-extra, old ?? d]);
    old = d;
  }
  return current;
};
