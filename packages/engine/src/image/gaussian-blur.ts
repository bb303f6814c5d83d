import type { Tensor } from "../tensor.ts";
import { asImage, imagePlanes } from "./plane.ts";
import { resampleSeparable } from "./resample/separable.ts";
import type { Taps } from "./resample/taps.ts";

export type GaussianOptions = {
  /** The kernel is 2 * radius + 1 wide. */
  readonly radius: number;
  readonly sigma: number;
};

/**
 * A Gaussian whose kernel spans -1..1 whatever its width, as ComfyUI's does:
 *
 *   g(k) = exp(-x^2 / (2 sigma^2)), x = -1 + k / radius, scaled to the sum 1
 *
 * The border is mirrored without repeating its pixel. image: [B,H,W,C]
 */
export function gaussianBlur(image: Tensor, { radius, sigma }: GaussianOptions): Tensor {
  if (radius === 0) return image;
  const planes = imagePlanes(image);
  const kernel = gaussianKernel(radius, sigma);
  return asImage(resampleSeparable(planes, planes, (size) => mirroredTaps(size, kernel)));
}

/** One axis of the kernel; its outer product with itself is the whole. */
export function gaussianKernel(radius: number, sigma: number): Float64Array {
  const kernel = new Float64Array(radius * 2 + 1);
  let total = 0;
  for (let k = 0; k < kernel.length; k++) {
    const x = k / radius - 1;
    kernel[k] = Math.exp(-(x * x) / (2 * sigma * sigma));
    total += kernel[k]!;
  }
  return kernel.map((weight) => weight / total);
}

function mirroredTaps(size: number, kernel: Float64Array): Taps {
  const count = kernel.length;
  const radius = (count - 1) / 2;
  const indices = new Int32Array(size * count);
  const weights = new Float32Array(size * count);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < count; k++) {
      indices[i * count + k] = mirrored(i + k - radius, size);
      weights[i * count + k] = kernel[k]!;
    }
  }
  return { count, indices, weights };
}

/** -1 is 1, -2 is 2, size is size - 2; and so on, back and forth. */
function mirrored(index: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const inside = ((index % period) + period) % period;
  return inside < size ? inside : period - inside;
}
