import { weightedSum } from "../math/weighted-sum.ts";
import { ancestralSplit } from "./ancestral.ts";
import { eulerStep } from "./euler.ts";
import { phi1, phi2 } from "./phi.ts";
import type { Solver, StochasticSettings } from "./solver.ts";

/**
 * Second-order exponential multistep in t = -ln sigma, with h = t' - t, c2 = (t_before - t_old)/h, phi at -h:
 *
 *   x' = e^-h x + h (b1 D + b2 D_old) + up noise,    b1 = phi1 - phi2/c2, b2 = phi2/c2
 *
 * Zhang et al. 2023, "Improved Order Analysis", arXiv:2308.02157. t' is that of `down`, t_old that of the last
 * step's, t_before that of the level before s.
 */
export const resMultistepAncestral: Solver<StochasticSettings> = async (
  denoise,
  x,
  sigmas,
  { onStep, noise, eta = 1, sNoise = 1 },
) => {
  let current = x;
  let old: { readonly denoised: Float32Array; readonly down: number } | undefined;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    const { down, up } = ancestralSplit(s, n, eta);
    if (down === 0 || old === undefined) {
      current = eulerStep(current, denoised, s, down);
    } else {
      const { b1, b2, h } = resWeights(s, down, old.down, sigmas[step - 1]!);
      current = weightedSum([Math.exp(-h), current], [h * b1, denoised], [h * b2, old.denoised]);
    }
    if (n > 0 && up > 0) current = weightedSum([1, current], [sNoise * up, noise(s, n)]);
    old = { denoised, down };
  }
  return current;
};

export const resMultistep: Solver = (denoise, x, sigmas, options) =>
  resMultistepAncestral(denoise, x, sigmas, { ...options, eta: 0 });

export function resWeights(s: number, down: number, oldDown: number, before: number) {
  const h = Math.log(s / down);
  const c2 = Math.log(oldDown / before) / h;
  const first = phi1(-h);
  const second = phi2(-h);
  return { h, b1: first - second / c2, b2: second / c2 };
}
