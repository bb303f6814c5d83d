import { weightedSum } from "../math/weighted-sum.ts";
import type { Solver, StochasticSettings } from "./solver.ts";

/**
 * Exponential SDE solvers that share noise between the stages of a step, Gonzalez et al. 2023, arXiv:2305.14267,
 * alg. 1 and 2. With h = ln(s/n), k = h (1 + eta), m_r = s^(1-r) n^r and g(r) = 1 - e^(-r k), a stage at r is
 *
 *   u_r = (m_r/s) e^(-r eta h) x + g(r) D + (derivative term) + m_r sum_j c_j noise_j
 *
 * c_j = sqrt(e^(-2 eta h (r - r_j)) - e^(-2 eta h (r - r_{j-1}))): noise_j is that of the stretch r_{j-1}..r_j.
 */

/** Two stages, the first at r. */
export const seeds2: Solver<StochasticSettings & { readonly r?: number }> = async (
  denoise,
  x,
  sigmas,
  { onStep, noise, eta = 1, sNoise = 1, r = 1 / 2 },
) => {
  let current = x;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    if (n === 0) {
      current = denoised;
      continue;
    }
    const stage = stages({ x: current, s, n, eta, sNoise, noise, ends: [r, 1] });
    const middle = stage(r, [[1, denoised]]);
    const later = await denoise(middle, levelAt(s, n, r));
    const f = 1 / (2 * r);
    current = stage(1, [
      [1 - f, denoised],
      [f, later],
    ]);
  }
  return current;
};

/** Three stages, the inner ones at r1 and r2. */
export const seeds3: Solver<
  StochasticSettings & { readonly r1?: number; readonly r2?: number }
> = async (denoise, x, sigmas, { onStep, noise, eta = 1, sNoise = 1, r1 = 1 / 3, r2 = 2 / 3 }) => {
  let current = x;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    if (n === 0) {
      current = denoised;
      continue;
    }
    const k = Math.log(s / n) * (1 + eta);
    const stage = stages({ x: current, s, n, eta, sNoise, noise, ends: [r1, r2, 1] });
    const second = await denoise(stage(r1, [[1, denoised]]), levelAt(s, n, r1));
    const perSecond = slopeShare(r2 * k) * (r2 / r1);
    const third = await denoise(
      stage(r2, [
        [1 - perSecond, denoised],
        [perSecond, second],
      ]),
      levelAt(s, n, r2),
    );
    const perThird = slopeShare(k) / r2;
    current = stage(1, [
      [1 - perThird, denoised],
      [perThird, third],
    ]);
  }
  return current;
};

/** (1 - g/z) / g with g = 1 - e^-z: what a derivative over the stage weighs against D. */
function slopeShare(z: number): number {
  const g = -Math.expm1(-z);
  return (1 - g / z) / g;
}

function levelAt(s: number, n: number, r: number): number {
  return s ** (1 - r) * n ** r;
}

function stages({
  x,
  s,
  n,
  eta,
  sNoise,
  noise,
  ends,
}: {
  readonly x: Float32Array;
  readonly s: number;
  readonly n: number;
  readonly eta: number;
  readonly sNoise: number;
  readonly noise: (sigma: number, sigmaNext: number) => Float32Array;
  readonly ends: readonly number[];
}): (r: number, prediction: readonly (readonly [number, Float32Array])[]) => Float32Array {
  const h = Math.log(s / n);
  const isRandom = eta > 0 && sNoise > 0;
  const stretches = ends.map((end, j) => ({ start: ends[j - 1] ?? 0, end }));
  const noises = isRandom
    ? stretches.map(({ start, end }) => noise(levelAt(s, n, start), levelAt(s, n, end)))
    : [];
  const survives = (r: number): number => Math.exp(-2 * eta * h * r);

  return (r, prediction) => {
    const level = levelAt(s, n, r);
    const gain = -Math.expm1(-r * h * (1 + eta));
    const fresh = noises.flatMap((values, j) => {
      const { start, end } = stretches[j]!;
      if (end > r) return [];
      const c = Math.sqrt(survives(r - end) - survives(r - start));
      return [[level * c * sNoise, values] as const];
    });
    return weightedSum(
      [(level / s) * Math.exp(-r * eta * h), x],
      ...prediction.map(([weight, values]) => [gain * weight, values] as const),
      ...fresh,
    );
  };
}
