import { integrate, lagrange } from "../math/quadrature.ts";
import { weightedSum } from "../math/weighted-sum.ts";
import { slope } from "./euler.ts";
import type { Solver } from "./solver.ts";

/**
 * x' = x + sum_j c_j d_j over the last `order` slopes, c_j the integral over [s,n] of the polynomial that is 1
 * at slope j's level and 0 at the others: Adams-Bashforth with uneven steps.
 */
export const lms: Solver<{ readonly order?: number }> = async (
  denoise,
  x,
  sigmas,
  { onStep, order = 4 },
) => {
  let current = x;
  /** Newest first. */
  const slopes: Float32Array[] = [];
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    slopes.unshift(slope(current, denoised, s));
    slopes.length = Math.min(slopes.length, order);
    if (sigmas[step + 1] === 0) {
      current = denoised;
      continue;
    }
    const levels = slopes.map((_, j) => sigmas[step - j]!);
    const terms = slopes.map((d, j) => {
      const weight = integrate((t) => lagrange(levels, j, t), s, sigmas[step + 1]!, levels.length);
      return [weight, d] as const;
    });
    current = weightedSum([1, current], ...terms);
  }
  return current;
};
