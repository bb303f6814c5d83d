/**
 * Grey-scale morphology with a square of `size` pixels: the smallest (erode) or largest (dilate)
 * value under it; what lies outside of the picture does not count. An even square reaches one pixel
 * further up and left.
 */

import type { Tensor } from "../tensor.ts";
import { asImage, imagePlanes } from "./plane.ts";
import { mapPairs } from "./pointwise.ts";

export const MORPHOLOGY_OPERATIONS = [
  "erode",
  "dilate",
  "open",
  "close",
  "gradient",
  "bottom_hat",
  "top_hat",
] as const;
export type MorphologyOperation = (typeof MORPHOLOGY_OPERATIONS)[number];

/** image: [B,H,W,C] */
export function morphology(image: Tensor, operation: MorphologyOperation, size: number): Tensor {
  const erode = (t: Tensor) => slideExtreme(t, size, -1);
  const dilate = (t: Tensor) => slideExtreme(t, size, 1);
  const minus = (a: Tensor, b: Tensor) => mapPairs(a, b, (x, y) => x - y);
  switch (operation) {
    case "erode":
      return erode(image);
    case "dilate":
      return dilate(image);
    case "open":
      return dilate(erode(image));
    case "close":
      return erode(dilate(image));
    case "gradient":
      return minus(dilate(image), erode(image));
    case "bottom_hat":
      return minus(erode(dilate(image)), image);
    case "top_hat":
      return minus(image, dilate(erode(image)));
  }
}

/** A square is a row of columns: first along x, then along y. sign: 1 largest, -1 smallest. */
function slideExtreme(image: Tensor, size: number, sign: 1 | -1): Tensor {
  const planes = imagePlanes(image);
  const { outer, height, width, inner } = planes;
  const values = planes.data.map((value) => value * sign);
  const line = { size, count: width, step: inner };
  for (let row = 0; row < outer * height; row++) {
    for (let c = 0; c < inner; c++)
      slideMaximum(values, { ...line, start: row * width * inner + c });
  }
  const column = { size, count: height, step: width * inner };
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < width * inner; i++) {
      slideMaximum(values, { ...column, start: o * height * width * inner + i });
    }
  }
  return asImage({ ...planes, data: values.map((value) => value * sign) });
}

/**
 * Replaces each value of a line by the largest in its window, in one pass: a queue of positions
 * whose values fall, its head the window's maximum.
 */
function slideMaximum(
  data: Float32Array,
  line: { start: number; count: number; step: number; size: number },
): void {
  const { start, count, step, size } = line;
  const before = Math.floor(size / 2);
  const after = size - 1 - before;
  const original = Float32Array.from({ length: count }, (_, i) => data[start + i * step]!);
  const queue = new Int32Array(count);
  let head = 0;
  let tail = 0;
  for (let i = 0, next = 0; i < count; i++) {
    for (; next < count && next <= i + after; next++) {
      while (tail > head && original[queue[tail - 1]!]! <= original[next]!) tail--;
      queue[tail++] = next;
    }
    while (queue[head]! < i - before) head++;
    data[start + i * step] = original[queue[head]!]!;
  }
}
