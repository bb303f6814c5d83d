/**
 * The vector beside the timestep that SDXL's networks are told: pooled text, then sizes as sinusoids.
 * Podell et al. 2023, arXiv:2307.01952, sec. 2.2.
 */
import type { ConditioningEntry, VectorKind } from "../models/model.ts";
import { sinusoid } from "../models/sinusoid.ts";
import { type Tensor, tensor } from "../tensor.ts";

/** Numbers that a size becomes. */
const WIDTH = 256;
const DEFAULT_SCORE = { positive: 6, negative: 2.5 } as const;

export interface SizeVectorOptions {
  readonly kind: Exclude<VectorKind, "none" | "unclip">;
  readonly isNegative: boolean;
  /** Of the picture that is being sampled, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** [1,A] = pooled | height | width | crop height | crop width | target height | target width, or aesthetic score for the last two. */
export function sizeVector(
  entry: ConditioningEntry,
  { kind, isNegative, width, height }: SizeVectorOptions,
): Tensor {
  if (entry.pooled === undefined) {
    throw new Error(
      "Stable Diffusion XL needs the pooled text of a prompt, and this conditioning has none: was it made with another family's CLIP?",
    );
  }
  const sizes = entry.sizes ?? {
    width,
    height,
    cropWidth: 0,
    cropHeight: 0,
    targetWidth: width,
    targetHeight: height,
  };
  const score = DEFAULT_SCORE[isNegative ? "negative" : "positive"];
  const last =
    kind === "sdxl" ? [sizes.targetHeight, sizes.targetWidth] : [entry.aestheticScore ?? score];
  const numbers = [sizes.height, sizes.width, sizes.cropHeight, sizes.cropWidth, ...last];
  const pooled = entry.pooled.data;
  const y = tensor([1, pooled.length + numbers.length * WIDTH]);
  y.data.set(pooled);
  numbers.forEach((value, i) => {
    y.data.set(sinusoid(value, WIDTH), pooled.length + i * WIDTH);
  });
  return y;
}
