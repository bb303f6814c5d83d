import { weightedSum } from "../math/weighted-sum.ts";
import type { Solver } from "./solver.ts";

export interface ErSdeSettings {
  /** Highest derivative of D used, plus one: 1 to 3. @default 3 */
  readonly maxStage?: number;
  readonly sNoise?: number;
  /** f of the formula. @default l (e^(l^0.3) + 10) */
  readonly noiseScaler?: (sigma: number) => number;
}

/** Points of the sums that stand for the integrals over 1/f. */
const POINTS = 200;

/**
 * Extended reverse-time SDE with noise scale f, r = f(n)/f(s), D' and D'' differences of D by sigma:
 *
 *   x' = r x + (1 - r) D + (n - s + f(n) I0) D' + ((n - s)^2/2 + f(n) I1) D'' + sqrt(n^2 - s^2 r^2) noise
 *   I0 = integral over [n,s] of 1/f,    I1 = integral over [n,s] of (l - s)/f(l)
 *
 * Cui et al. 2023, arXiv:2309.06169, eq. 18 to 22.
 */
export const erSde: Solver<ErSdeSettings> = async (
  denoise,
  x,
  sigmas,
  { onStep, noise, maxStage = 3, sNoise = 1, noiseScaler: f = extendedScale },
) => {
  let current = x;
  let oldDenoised: Float32Array | undefined;
  let oldSlope: Float32Array | undefined;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    if (n === 0) {
      current = denoised;
      continue;
    }
    const r = f(n) / f(s);
    current = weightedSum([r, current], [1 - r, denoised]);
    const stage = Math.min(maxStage, step + 1);
    if (oldDenoised !== undefined && stage >= 2) {
      const { plain, weighted } = integrals(f, s, n);
      const before = s - sigmas[step - 1]!;
      const dSlope = weightedSum([1 / before, denoised], [-1 / before, oldDenoised]);
      current = weightedSum([1, current], [n - s + plain * f(n), dSlope]);
      if (oldSlope !== undefined && stage >= 3) {
        const wide = (s - sigmas[step - 2]!) / 2;
        const curve = (n - s) ** 2 / 2 + weighted * f(n);
        current = weightedSum([1, current], [curve / wide, dSlope], [-curve / wide, oldSlope]);
      }
      oldSlope = dSlope;
    }
    if (sNoise > 0) {
      const variance = Math.max(n ** 2 - s ** 2 * r ** 2, 0);
      current = weightedSum([1, current], [sNoise * Math.sqrt(variance), noise(s, n)]);
    }
    oldDenoised = denoised;
  }
  return current;
};

function extendedScale(sigma: number): number {
  return sigma * (Math.exp(sigma ** 0.3) + 10);
}

/** Left sums from n up. */
function integrals(f: (sigma: number) => number, s: number, n: number) {
  const width = (s - n) / POINTS;
  let plain = 0;
  let weighted = 0;
  for (let i = 0; i < POINTS; i++) {
    const l = n + i * width;
    plain += width / f(l);
    weighted += (width * (l - s)) / f(l);
  }
  return { plain, weighted };
}
