/** Pictures with holes for inpainting. pixels: [B,H,W,C], 0..1; mask: [n,H,W], 1 where the hole is. */

import { asMaskBatch } from "../image/mask-shape.ts";
import { resizeChannels } from "../image/resize.ts";
import { roundHalfEven } from "../image/rounding.ts";
import { cropPixels } from "../models/crop-pixels.ts";
import { type Tensor, tensor } from "../tensor.ts";

/** Both cut to the middle whose sides `multiple` divides, the mask at the picture's size. */
export function cropWithMask(
  pixels: Tensor,
  mask: Tensor,
  multiple: number,
): { readonly pixels: Tensor; readonly mask: Tensor } {
  const [, height = 0, width = 0] = pixels.shape;
  const resized = resizeChannels(asMaskBatch(mask), { width, height, method: "bilinear" });
  const cropped = cropPixels(pixels, multiple);
  const [, rows = 0, columns = 0] = cropped.shape;
  const top = Math.floor((height % multiple) / 2);
  const left = Math.floor((width % multiple) / 2);
  const [count = 1] = resized.shape;
  const fitted = tensor([count, rows, columns]);
  for (let line = 0; line < count * rows; line++) {
    const plane = Math.floor(line / rows);
    const from = (plane * height + top + (line % rows)) * width + left;
    fitted.data.set(resized.data.subarray(from, from + columns), line * columns);
  }
  return { pixels: cropped, mask: fitted };
}

/** Middle grey where the mask, rounded, is 1. */
export function greyHoles(pixels: Tensor, mask: Tensor): Tensor {
  const [, height = 1, width = 1, channels = 1] = pixels.shape;
  const size = height * width;
  const count = mask.shape[0] ?? 1;
  return tensor(
    pixels.shape,
    pixels.data.map((value, i) => {
      const pixel = Math.floor(i / channels);
      const plane = Math.floor(pixel / size) % count;
      const keep = 1 - roundHalfEven(mask.data[plane * size + (pixel % size)] ?? 0);
      return (value - 0.5) * keep + 0.5;
    }),
  );
}

/**
 * 1 where the rounded mask is not 0 anywhere in a square of `size` pixels around. An even square reaches further
 * back than on, so a hole grows further on: with 6 by 2 pixels up and left and 3 down and right.
 */
export function growHoles(mask: Tensor, size: number): Tensor {
  const rounded = tensor(mask.shape, mask.data.map(roundHalfEven));
  if (size === 0) return rounded;
  const before = Math.ceil((size - 1) / 2);
  const window = { before, after: size - 1 - before };
  return maximumAlong(maximumAlong(rounded, 2, window), 1, window);
}

function maximumAlong(
  mask: Tensor,
  axis: 1 | 2,
  { before, after }: { readonly before: number; readonly after: number },
): Tensor {
  const [, height = 1, width = 1] = mask.shape;
  const [length, stride] = axis === 1 ? [height, width] : [width, 1];
  const out = mask.data.map((_, i) => {
    const at = Math.floor(i / stride) % length;
    let best = 0;
    for (let k = Math.max(0, at - before); k <= Math.min(length - 1, at + after); k++) {
      best = Math.max(best, mask.data[i + (k - at) * stride] ?? 0);
    }
    return Math.min(best, 1);
  });
  return tensor(mask.shape, out);
}
