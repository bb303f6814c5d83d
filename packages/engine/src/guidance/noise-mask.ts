/**
 * Sampling in a part of the picture only. m is 1 where noise is wanted and may lie between:
 *
 *   x <- m x + (1 - m) (latent + s noise),    D <- m D + (1 - m) latent
 *
 * Lugmayr et al. 2022, RePaint, arXiv:2201.09865, eq. 8, without its repetitions.
 */

import { maskAt } from "../conditioning/resolve-entries.ts";
import { repeatToBatch } from "../image/batch.ts";
import type { LatentShape } from "../math/shape.ts";
import type { Tensor } from "../tensor.ts";

/** [B,H,W] at any size, as [B,C,h,w] flat. */
export function maskForLatent(mask: Tensor, shape: LatentShape): Float32Array {
  const resized = repeatToBatch(maskAt(mask, shape), shape.batch);
  const size = shape.height * shape.width;
  const out = new Float32Array(shape.batch * shape.channels * size);
  for (let plane = 0; plane < shape.batch * shape.channels; plane++) {
    const b = Math.floor(plane / shape.channels);
    out.set(resized.data.subarray(b * size, (b + 1) * size), plane * size);
  }
  return out;
}

/** m a + (1 - m) b */
export function blend(m: Float32Array, a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => {
    const weight = m[i] ?? 0;
    return value * weight + (b[i] ?? 0) * (1 - weight);
  });
}
