import type { GuidanceStage } from "./model-guidance.ts";

/**
 * Guidance with the contrast of the positive prediction, over velocities v = (x/(s^2+1) - D) sqrt(s^2+1)/s:
 *
 *   v = neg + cfg (pos - neg),    v' = m v std(pos)/std(v) + (1 - m) v
 *
 * Lin et al. 2023, arXiv:2305.08891, eq. 15 and 16; std is over each picture.
 */
export function rescaleCfg(
  { x, positive, negative, sigma, cfg, shape }: GuidanceStage,
  multiplier: number,
): Float32Array {
  const size = shape.channels * shape.height * shape.width;
  const share = 1 / (sigma ** 2 + 1);
  const perVelocity = Math.sqrt(sigma ** 2 + 1) / sigma;
  const out = new Float32Array(x.length);
  for (let from = 0; from < x.length; from += size) {
    const velocity = (denoised: Float32Array) =>
      Float64Array.from(
        { length: size },
        (_, i) => ((x[from + i] ?? 0) * share - (denoised[from + i] ?? 0)) * perVelocity,
      );
    const pos = velocity(positive);
    const neg = velocity(negative);
    const guided = pos.map((value, i) => (neg[i] ?? 0) + cfg * (value - (neg[i] ?? 0)));
    const rescale = deviation(pos) / deviation(guided);
    const factor = multiplier * rescale + (1 - multiplier);
    guided.forEach((value, i) => {
      out[from + i] = (x[from + i] ?? 0) * share - (value * factor) / perVelocity;
    });
  }
  return out;
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / Math.max(values.length - 1, 1));
}
