import { integrate, lagrange } from "../math/quadrature.ts";
import { weightedSum } from "../math/weighted-sum.ts";
import type { Solver } from "./solver.ts";

export interface SaSolverSettings {
  /** tau at a level: 0 is the ODE, 1 the usual SDE. */
  readonly tau: (sigma: number) => number;
  readonly sNoise?: number;
  /** @default 3 */
  readonly predictorOrder?: number;
  /** 0 for none. @default 4 */
  readonly correctorOrder?: number;
  /** Evaluate again after correcting. @default false */
  readonly usePece?: boolean;
  /** Other weights for order 2, better for few steps. @default false */
  readonly simpleOrder2?: boolean;
}

/**
 * Stochastic Adams, predictor and corrector. In lambda = -ln sigma, with h = lambda' - lambda and q = 1 + tau^2:
 *
 *   x' = (n/s) e^(-tau^2 h) x + sum_j b_j D_j + n sqrt(1 - e^(-2 tau^2 h)) noise
 *   b_j = integral over [lambda, lambda'] of q e^(-q (lambda' - u)) l_j(u) du
 *
 * l_j are Lagrange's polynomials of the last D's; the corrector does the step once more with D at its end, and
 * the same noise. Xue et al. 2023, SA-Solver, arXiv:2309.05019, eq. 14 and 17. Orders fall towards a last 0.
 */
export const saSolver: Solver<SaSolverSettings> = async (denoise, x, sigmas, options) => {
  const { onStep, noise, tau, sNoise = 1, predictorOrder = 3, correctorOrder = 4 } = options;
  const { usePece = false, simpleOrder2 = false } = options;
  const last = sigmas.length - 1;
  const lambdas = [...sigmas].map((sigma) => -Math.log(sigma));
  const endsAtZero = sigmas[last] === 0;
  let settled = x;
  let predicted = x;
  /** Newest first. */
  const past: Float32Array[] = [];
  let arrival: { readonly tau: number; readonly noise?: Float32Array } = { tau: 0 };

  function move(
    from: number,
    { isCorrector, order, tau }: { isCorrector: boolean; order: number; tau: number },
  ) {
    const newest = isCorrector ? from + 1 : from;
    const nodes = Array.from({ length: order }, (_, j) => lambdas[newest - j]!);
    const span = { from: lambdas[from]!, to: lambdas[from + 1]! };
    const weights = adams({ nodes, span, tau, isSimple: simpleOrder2 && order === 2, isCorrector });
    const keep =
      (sigmas[from + 1]! / sigmas[from]!) * Math.exp(-(tau ** 2) * (span.to - span.from));
    return weightedSum([keep, settled], ...weights.map((b, j) => [b, past[j]!] as const));
  }

  for (let step = 0; step < last; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(predicted, s);
    onStep?.({ step, denoised });
    past.unshift(denoised);
    past.length = Math.min(past.length, Math.max(predictorOrder, correctorOrder));

    const isUncorrected = step === 0 || (n === 0 && !usePece);
    const toEnd = endsAtZero ? last - step : Number.POSITIVE_INFINITY;
    const ofCorrector = isUncorrected ? 0 : Math.min(correctorOrder, past.length, toEnd);
    if (ofCorrector === 0) {
      settled = predicted;
    } else {
      settled = move(step - 1, { isCorrector: true, order: ofCorrector, tau: arrival.tau });
      if (arrival.noise !== undefined) settled = weightedSum([1, settled], [1, arrival.noise]);
      if (usePece) past[0] = await denoise(settled, s);
    }

    if (n === 0) {
      predicted = past[0]!;
      continue;
    }
    const order = Math.min(predictorOrder, past.length, toEnd - 1);
    const tauNext = tau(n);
    predicted = move(step, { isCorrector: false, order, tau: tauNext });
    arrival = { tau: tauNext };
    if (tauNext > 0 && sNoise > 0) {
      const h = lambdas[step + 1]! - lambdas[step]!;
      const deviation = n * Math.sqrt(-Math.expm1(-2 * tauNext ** 2 * h)) * sNoise;
      arrival = { tau: tauNext, noise: weightedSum([deviation, noise(s, n)]) };
      predicted = weightedSum([1, predicted], [1, arrival.noise!]);
    }
  }
  return predicted;
};

/** b_j, one for each node, newest first. */
function adams({
  nodes,
  span: { from, to },
  tau,
  isSimple,
  isCorrector,
}: {
  readonly nodes: readonly number[];
  readonly span: { readonly from: number; readonly to: number };
  readonly tau: number;
  readonly isSimple: boolean;
  readonly isCorrector: boolean;
}): number[] {
  const q = 1 + tau ** 2;
  const h = to - from;
  if (isSimple) {
    // Order 2 by one difference. Appendix D of the paper.
    const whole = -Math.expm1(-q * h);
    const lead = isCorrector ? (q * h) / 2 : whole + (q * h ** 2) / (2 * (from - nodes[1]!));
    return [lead, whole - lead];
  }
  return nodes.map((_, j) =>
    integrate((u) => q * Math.exp(-q * (to - u)) * lagrange(nodes, j, u), from, to, POINTS),
  );
}

/** Enough for a double's precision at steps of q h < 10. */
const POINTS = 16;
