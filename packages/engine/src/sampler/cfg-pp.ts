/**
 * CFG++ forms of other solvers: a step goes to D and renoises with the negative side's slope
 * d = (x - D_neg)/s instead of the guided one. Chung et al. 2024, CFG++, arXiv:2406.08070, alg. 2.
 */
import { weightedSum } from "../math/weighted-sum.ts";
import { ancestralSplit } from "./ancestral.ts";
import { slope } from "./euler.ts";
import { resWeights } from "./res-multistep.ts";
import type { GuidedSolver, StochasticSettings } from "./solver.ts";

/** x' = D + down d + up noise */
export const eulerAncestralCfgPp: GuidedSolver<StochasticSettings> = async (
  denoise,
  x,
  sigmas,
  { onStep, noise, eta = 1, sNoise = 1 },
) => {
  let current = x;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const { denoised, negative } = await denoise(current, s);
    onStep?.({ step, denoised });
    const { down, up } = ancestralSplit(s, n, eta);
    current = weightedSum([1, denoised], [down, slope(current, negative, s)]);
    if (n > 0 && up > 0) current = weightedSum([1, current], [sNoise * up, noise(s, n)]);
  }
  return current;
};

export const eulerCfgPp: GuidedSolver = (denoise, x, sigmas, options) =>
  eulerAncestralCfgPp(denoise, x, sigmas, { ...options, eta: 0 });

/** x' = x + (n - s) (x - 2 D + D_neg)/s: the guided slope, once more away from the negative. */
export const eulerCfgPpAlternative: GuidedSolver = async (denoise, x, sigmas, { onStep }) => {
  let current = x;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const { denoised, negative } = await denoise(current, s);
    onStep?.({ step, denoised });
    const move = (sigmas[step + 1]! - s) / s;
    current = weightedSum([1 + move, current], [-2 * move, denoised], [move, negative]);
  }
  return current;
};

/** Both evaluations' negatives are used, each for the half step that it starts. */
export const dpmpp2sAncestralCfgPp: GuidedSolver<StochasticSettings> = async (
  denoise,
  x,
  sigmas,
  { onStep, noise, eta = 1, sNoise = 1 },
) => {
  let current = x;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const { denoised, negative } = await denoise(current, s);
    onStep?.({ step, denoised });
    const { down, up } = ancestralSplit(s, n, eta);
    if (down === 0) {
      current = denoised;
    } else {
      const middle = Math.sqrt(s * down);
      const m = middle / s;
      const halfway = weightedSum([m, current], [1, denoised], [-m, negative]);
      const later = await denoise(halfway, middle);
      const q = down / s;
      current = weightedSum(
        [q, current],
        [q, denoised],
        [-q, later.negative],
        [1 - q, later.denoised],
      );
    }
    if (n > 0) current = weightedSum([1, current], [sNoise * up, noise(s, n)]);
  }
  return current;
};

/** x' = D + (n/s) (x - D_neg) + (1 - n/s) (D - D_neg_old)/(2r) */
export const dpmpp2mCfgPp: GuidedSolver = async (denoise, x, sigmas, { onStep }) => {
  let current = x;
  let old: Float32Array | undefined;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const { denoised, negative } = await denoise(current, s);
    onStep?.({ step, denoised });
    const q = n / s;
    const f =
      old === undefined || n === 0
        ? 0
        : ((1 - q) * Math.log(s / n)) / (2 * Math.log(sigmas[step - 1]! / s));
    current = weightedSum([q, current], [1 + f, denoised], [-q, negative], [-f, old ?? denoised]);
    old = negative;
  }
  return current;
};

/** As res_multistep over the negative's predictions, from x + D - D_neg. */
export const resMultistepAncestralCfgPp: GuidedSolver<StochasticSettings> = async (
  denoise,
  x,
  sigmas,
  { onStep, noise, eta = 1, sNoise = 1 },
) => {
  let current = x;
  let old: { readonly negative: Float32Array; readonly down: number } | undefined;
  for (let step = 0; step < sigmas.length - 1; step++) {
    const s = sigmas[step]!;
    const n = sigmas[step + 1]!;
    const { denoised, negative } = await denoise(current, s);
    onStep?.({ step, denoised });
    const { down, up } = ancestralSplit(s, n, eta);
    if (down === 0 || old === undefined) {
      current = weightedSum([1, denoised], [down, slope(current, negative, s)]);
    } else {
      const { b1, b2, h } = resWeights(s, down, old.down, sigmas[step - 1]!);
      const keep = Math.exp(-h);
      current = weightedSum(
        [keep, current],
        [keep, denoised],
        [h * b1 - keep, negative],
        [h * b2, old.negative],
      );
    }
    if (n > 0 && up > 0) current = weightedSum([1, current], [sNoise * up, noise(s, n)]);
    old = { negative, down };
  }
  return current;
};

export const resMultistepCfgPp: GuidedSolver = (denoise, x, sigmas, options) =>
  resMultistepAncestralCfgPp(denoise, x, sigmas, { ...options, eta: 0 });

/** x' = D + n d + (gamma - 1) (n - s) (d - d_old) */
export const gradientEstimationCfgPp: GuidedSolver<{ readonly gamma?: number }> = async (
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
    const { denoised, negative } = await denoise(current, s);
    onStep?.({ step, denoised });
    if (n === 0) {
      current = denoised;
      continue;
    }
    const d = slope(current, negative, s);
    const extra = old === undefined ? 0 : (gamma - 1) * (n - s);
    current = weightedSum([1, denoised], [n + extra, d], [-extra, old ?? d]);
    old = d;
  }
  return current;
};
