import { weightedSum } from "../math/weighted-sum.ts";
import type { Solver, StochasticSettings } from "./solver.ts";

/**
 * DPM-Solver++(2M) for the SDE, with k = h (1 + eta):
 *
 *   x' = (n/s) e^(-eta h) x + (1 - e^-k) D + c (D - D_old)/r + n sqrt(1 - e^(-2 eta h)) noise
 *   midpoint: c = (1 - e^-k)/2        heun: c = 1 - (1 - e^-k)/k        r = h_old/h, h = ln(s/n)
 *
 * Lu et al. 2022, arXiv:2211.01095, sec. 4.4.
 */
export const dpmpp2mSde: Solver<
  StochasticSettings & { readonly solverType?: "midpoint" | "heun" }
> = async (denoise, x, sigmas, { onStep, noise, eta = 1, sNoise = 1, solverType = "midpoint" }) => {
  let current = x;
  let old: { readonly denoised: Float32Array; readonly h: number } | undefined;
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
    const gain = -Math.expm1(-k);
    const c = solverType === "midpoint" ? gain / 2 : 1 - gain / k;
    const perOld = old === undefined ? 0 : (c * h) / old.h;
    current = weightedSum(
      [(n / s) * Math.exp(-eta * h), current],
      [gain + perOld, denoised],
      [-perOld, old?.denoised ?? denoised],
    );
    if (eta > 0 && sNoise > 0) {
      const deviation = n * Math.sqrt(-Math.expm1(-2 * h * eta)) * sNoise;
      current = weightedSum([1, current], [deviation, noise(s, n)]);
    }
    old = { denoised, h };
  }
  return current;
};
