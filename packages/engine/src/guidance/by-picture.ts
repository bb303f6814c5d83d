/** Sums over the single pictures of a batch. All arrays: [B,C,h,w] flat. */
import type { LatentShape } from "../math/shape.ts";

/** Where one picture's numbers lie. */
export interface PictureRange {
  readonly start: number;
  readonly end: number;
}

/** Fills an array picture by picture: `picture` looks at one as a whole and gives what its numbers become. */
export function byPicture(
  { batch, channels, height, width }: LatentShape,
  picture: (range: PictureRange) => (index: number) => number,
): Float32Array {
  const size = channels * height * width;
  const out = new Float32Array(batch * size);
  for (let start = 0; start < out.length; start += size) {
    const range = { start, end: start + size };
    const value = picture(range);
    for (let i = range.start; i < range.end; i++) out[i] = value(i);
  }
  return out;
}

export function dotOf(a: Float32Array, b: Float32Array, { start, end }: PictureRange): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
