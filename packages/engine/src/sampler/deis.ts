import { lagrange } from "../math/quadrature.ts";
import { weightedSum } from "../math/weighted-sum.ts";
import { eulerStep, slope } from "./euler.ts";
import type { Solver } from "./solver.ts";

const MAX_ORDER = 3;
/** Points of the mean that stands for the integral. */
const POINTS = 10_000;

/**
 * x' = x + sum_j C_j d_j, with polynomials in the time t of a variance-preserving process:
 *
 *   C_j = integral over [t(s), t(n)] of l_j(t) dsigma,    sigma(t) = sqrt(exp(betaD t^2/2 + betaMin t) - 1)
 *
 * Zhang and Chen 2023, DEIS, arXiv:2204.13902, "tAB"; up to order 3.
 */
export const deis: Solver = async (denoise, x, sigmas, { onStep }) => {
  const times = sigmas.map(timeOf);
  let current = x;
  /** Newest first. */
  const slopes: Float32Array[] = [];
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    if (n <= 0 || step === 0) {
      slopes.unshift(slope(current, denoised, s));
      current = eulerStep(current, denoised, s, n);
      continue;
    }
    slopes.unshift(slope(current, denoised, s));
    slopes.length = Math.min(slopes.length, MAX_ORDER);
    const nodes = slopes.map((_, j) => times[step - j]!);
    const weights = integralsOf(nodes, times[step]!, times[step + 1]!);
    current = weightedSum([1, current], ...slopes.map((d, j) => [weights[j]!, d] as const));
  }
  return current;
};

const SIGMA_MIN = 0.002;
const SIGMA_MAX = 80;
const TIME_MIN = 1e-3;
const LOG_MAX = Math.log(SIGMA_MAX ** 2 + 1);
const BETA_D = (2 * (Math.log(SIGMA_MIN ** 2 + 1) / TIME_MIN - LOG_MAX)) / (TIME_MIN - 1);
const BETA_MIN = LOG_MAX - BETA_D / 2;

function timeOf(sigma: number): number {
  return (Math.sqrt(BETA_MIN ** 2 + 2 * BETA_D * Math.log(sigma ** 2 + 1)) - BETA_MIN) / BETA_D;
}

/** dsigma/dt */
function sigmaRate(t: number): number {
  const power = Math.exp((BETA_D * t ** 2) / 2 + BETA_MIN * t);
  return ((BETA_D * t + BETA_MIN) * power) / (2 * Math.sqrt(power - 1));
}

function integralsOf(nodes: readonly number[], from: number, to: number): number[] {
  const sums = nodes.map(() => 0);
  for (let i = 0; i < POINTS; i++) {
    const t = from + ((to - from) * i) / (POINTS - 1);
    const rate = sigmaRate(t);
    for (let j = 0; j < nodes.length; j++) sums[j] = sums[j]! + rate * lagrange(nodes, j, t);
  }
  return sums.map((sum) => (sum / POINTS) * (to - from));
}
