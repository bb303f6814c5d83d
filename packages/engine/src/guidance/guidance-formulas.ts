/** Corrections of the guided prediction, each a formula over what is known of one call. */
import { weightedSum } from "../math/weighted-sum.ts";
import { byPicture, dotOf } from "./by-picture.ts";
import type { GuidanceStage } from "./model-guidance.ts";

type Guided = GuidanceStage & { readonly denoised: Float32Array };

/** CFG-Zero*: the negative's noise is scaled to fit the positive's. Fan et al. 2025, arXiv:2503.18886, eq. 6. */
export function cfgZeroStar({ x, positive, negative, denoised, cfg, shape }: Guided): Float32Array {
  const pos = weightedSum([1, x], [-1, positive]);
  const neg = weightedSum([1, x], [-1, negative]);
  return byPicture(shape, (range) => {
    const alpha = dotOf(pos, neg, range) / (dotOf(neg, neg, range) + 1e-8);
    return (i) => (denoised[i] ?? 0) + (negative[i] ?? 0) * (alpha - 1) * (1 - cfg);
  });
}

/** Nowhere longer, over the channels of a pixel, than the positive's prediction. */
export function cfgNorm({ positive, denoised, shape }: Guided, strength: number): Float32Array {
  const { channels, height, width } = shape;
  const area = height * width;
  const norm = (values: Float32Array, i: number) => {
    const first = i - (i % (channels * area)) + (i % area);
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += (values[first + c * area] ?? 0) ** 2;
    return Math.sqrt(sum);
  };
  return denoised.map((value, i) => {
    const scale = Math.min(norm(positive, i) / (norm(denoised, i) + 1e-8), 1);
    return value * scale * strength;
  });
}

/** Less of the noise that was found. Ning et al. 2023, arXiv:2308.15321, sec. 5. */
export function epsilonScaling({ x, denoised }: Guided, factor: number): Float32Array {
  return weightedSum([1 - 1 / factor, x], [1 / factor, denoised]);
}

/** Between the guided and the plainly scaled positive: the more of the first, the more alike the directions are. */
export function mahiro({ positive, negative, denoised, cfg, shape }: Guided): Float32Array {
  const root = (value: number) => Math.sign(value) * Math.sqrt(Math.abs(value));
  const leap = positive.map((value) => value * cfg);
  const away = negative.map((value) => root(value * cfg));
  const merged = leap.map((value, i) => root((value + (denoised[i] ?? 0)) / 2));
  const { batch, channels, height, width } = shape;
  const area = height * width;
  let likeness = 0;
  for (let pixel = 0; pixel < batch * area; pixel++) {
    const first = Math.floor(pixel / area) * channels * area + (pixel % area);
    let [both, own, other] = [0, 0, 0];
    for (let c = 0; c < channels; c++) {
      const [a, b] = [away[first + c * area] ?? 0, merged[first + c * area] ?? 0];
      both += a * b;
      own += a * a;
      other += b * b;
    }
    likeness += both / (Math.max(Math.sqrt(own), 1e-8) * Math.max(Math.sqrt(other), 1e-8));
  }
  const share = 2 * (likeness / (batch * area) + 1);
  return weightedSum([share / 4, denoised], [(4 - share) / 4, leap]);
}

/** From the least cfg for the first picture of a batch (a frame) to the full one for the last. */
export function linearCfg(stage: GuidanceStage, least: number): Float32Array {
  return cfgByPicture(stage, (share) => least + (stage.cfg - least) * share);
}

/** The least cfg for the first and the last picture, the full one in the middle. */
export function triangleCfg(stage: GuidanceStage, least: number): Float32Array {
  return cfgByPicture(stage, (share) => {
    const height = 2 * Math.abs(share - Math.floor(share + 0.5));
    return height * (stage.cfg - least) + least;
  });
}

function cfgByPicture(
  { positive, negative, shape }: GuidanceStage,
  cfgAt: (share: number) => number,
): Float32Array {
  return byPicture(shape, ({ start, end }) => {
    const share = shape.batch === 1 ? 0 : start / (end - start) / (shape.batch - 1);
    const cfg = cfgAt(share);
    return (i) => (1 - cfg) * (negative[i] ?? 0) + cfg * (positive[i] ?? 0);
  });
}
