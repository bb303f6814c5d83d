/** Schedules of formulas that no model takes part in. */
import { linspace } from "../math/linspace.ts";

/**
 * [steps + 1], descending, the last one 0:
 *
 *   sigma(t) = sqrt(exp(betaD t^2 / 2 + betaMin t) - 1),    t from 1 to epsilon
 *
 * Song et al. 2021, arXiv:2011.13456, the variance-preserving process.
 */
export function vpSigmas(
  steps: number,
  { betaD = 19.9, betaMin = 0.1, epsilon = 1e-3 } = {},
): Float32Array {
  const sigmas = new Float32Array(steps + 1);
  linspace(1, epsilon, steps).forEach((t, i) => {
    sigmas[i] = Math.sqrt(Math.expm1((betaD * t ** 2) / 2 + betaMin * t));
  });
  return sigmas;
}

/**
 * [steps] levels, ln sigma at the Laplace distribution's quantiles within the limits. The last one is not 0:
 * a sampling with it stops at sMin.
 *
 *   ln sigma_i = mu - beta sign(1/2 - x) ln(1 - 2 |1/2 - x| + 1e-5),    x = i/(n-1)
 *
 * Hang and Gu 2024, arXiv:2407.03297.
 */
export function laplaceSigmas(
  steps: number,
  sigmaMin: number,
  sigmaMax: number,
  { mu = 0, beta = 0.5 } = {},
): Float32Array {
  return linspace(0, 1, steps).map((x) => {
    const off = 0.5 - x;
    const log = mu - beta * Math.sign(off) * Math.log(1 - 2 * Math.abs(off) + 1e-5);
    return Math.min(Math.max(Math.exp(log), sigmaMin), sigmaMax);
  });
}
