import { latentShape } from "../math/shape.ts";
import type { LatentFormat } from "../models/model.ts";
import type { Tensor } from "../tensor.ts";

/**
 * A rough picture of the first latent of a batch: rgb = z F + bias, each byte trunc(255 clamp((rgb + 1)/2)).
 * z: [B,C,h,w] in model space; returns 3 bytes a pixel.
 */
export function latentToRgb(z: Tensor, { rgbFactors, rgbBias }: LatentFormat): Uint8Array {
  const { channels, height, width } = latentShape(z.shape);
  const size = width * height;
  const rgb = new Uint8Array(size * 3);
  for (let i = 0; i < size; i++) {
    for (let color = 0; color < 3; color++) {
      let sum = rgbBias[color] ?? 0;
      for (let c = 0; c < channels; c++) {
        sum += (z.data[c * size + i] ?? 0) * (rgbFactors[c]?.[color] ?? 0);
      }
      rgb[i * 3 + color] = Math.trunc(255 * Math.min(Math.max((sum + 1) / 2, 0), 1));
    }
  }
  return rgb;
}
