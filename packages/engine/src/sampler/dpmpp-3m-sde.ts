import { weightedSum } from "../math/weighted-sum.ts";
import type { Solver, StochasticSettings } from "./solver.ts";

/**
 * Third order for the SDE, from D and its two predecessors, with k = h (1 + eta):
 *
 *   x' = (n/s) e^(-eta h) x + (1 - e^-k) D + p2 d1 - p3 d2 + n sqrt(1 - e^(-2 eta h)) noise
 *   p2 = (e^-k - 1)/k + 1, p3 = p2/k - 1/2, r0 = h1/h, r1 = h2/h
 *   d10 = (D - D1)/r0, d11 = (D1 - D2)/r1, d1 = d10 + (d10 - d11) r0/(r0 + r1), d2 = (d10 - d11)/(r0 + r1)
 *
 * Lu et al. 2022, arXiv:2211.01095, continued to order 3. The second step has d1 = d10 and no d2.
 */
export const dpmpp3mSde: Solver<StochasticSettings> = async (
  denoise,
  x,
  sigmas,
  { onStep, noise, eta = 1, sNoise = 1 },
) => {
  let current = x;
  /** Newest first. */
  const past: { readonly denoised: Float32Array; readonly h: number }[] = [];
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    if (n === 0) {
      current = denoised;
      continue;
    }
    const h = Math.log(s / n);
    const k = h * (1 + eta);
    const p2 = Math.expm1(-k) / k + 1;
    const p3 = p2 / k - 0.5;
    current = weightedSum([(n / s) * Math.exp(-eta * h), current], [-Math.expm1(-k), denoised]);
    const [first, second] = past;
    if (first !== undefined) {
      const r0 = first.h / h;
      const r1 = second === undefined ? Number.POSITIVE_INFINITY : second.h / h;
      // d1 and d2 in terms of d10 and d11.
      const share = second === undefined ? 0 : 1 / (r0 + r1);
      const w10 = p2 * (1 + r0 * share) - p3 * share;
      const w11 = -p2 * r0 * share + p3 * share;
      current = weightedSum(
        [1, current],
        [w10 / r0, denoised],
        [w11 / r1 - w10 / r0, first.denoised],
        [-w11 / r1, second?.denoised ?? denoised],
      );
    }
    if (eta > 0 && sNoise > 0) {
      const deviation = n * Math.sqrt(-Math.expm1(-2 * h * eta)) * sNoise;
      current = weightedSum([1, current], [deviation, noise(s, n)]);
    }
    past.unshift({ denoised, h });
    past.length = Math.min(past.length, 2);
  }
  return current;
};
