/** Changes to a latent as values of their own, to be applied at once or while sampling. */

import { entrySize } from "../../image/batch.ts";
import { gaussianBlur } from "../../image/gaussian-blur.ts";
import { mapPairs } from "../../image/pointwise.ts";
import { channelsFirst, channelsLast } from "../../image/resize.ts";
import type { Tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { custom, float, int, latent } from "../input.ts";
import { channelNorms, mapVectors } from "./latent-vectors.ts";

/** LATENT_OPERATION: [B,C,h,w] to [B,C,h,w] */
export type LatentOperation = (samples: Tensor) => Tensor;

const module = "comfy_extras.nodes_latent";
const category = "latent/advanced/operations";

export const latentApplyOperation = defineNode({
  name: "LatentApplyOperation",
  category,
  module,
  schema: "v3",
  experimental: true,
  inputs: { samples: latent(), operation: custom<LatentOperation>("LATENT_OPERATION") },
  outputs: ["LATENT"],
  run: ({ samples, operation }) => [{ ...samples, samples: operation(samples.samples) }],
});

export const latentOperationTonemapReinhard = defineNode({
  name: "LatentOperationTonemapReinhard",
  category,
  module,
  schema: "v3",
  experimental: true,
  inputs: { multiplier: float({ default: 1.0, min: 0.0, max: 100.0, step: 0.01 }) },
  outputs: ["LATENT_OPERATION"],
  run: ({ multiplier }) => [(samples: Tensor) => tonemapReinhard(samples, multiplier)],
});

/**
 * Reinhard et al. 2002, eq. 3, on the length L of each pixel's vector, with white at
 * top = multiplier * (mean(L) + 5 std(L)) of its picture: L' = top * x / (1 + x), x = L / top.
 */
function tonemapReinhard(samples: Tensor, multiplier: number): Tensor {
  const lengths = channelNorms(samples);
  const size = entrySize(lengths);
  const factors = lengths.data.slice();
  for (let start = 0; start < factors.length; start += size) {
    const entry = lengths.data.subarray(start, start + size).map((length) => length + 1e-10);
    const mean = entry.reduce((sum, length) => sum + length, 0) / size;
    const squares = entry.reduce((sum, length) => sum + (length - mean) ** 2, 0);
    const top = (mean + 5 * Math.sqrt(squares / (size - 1))) * multiplier;
    for (let p = 0; p < size; p++) {
      const relative = entry[p]! / top;
      factors[start + p] = ((relative / (relative + 1)) * top) / entry[p]!;
    }
  }
  return mapVectors(samples, { shape: lengths.shape, data: factors }, (value, f) => value * f);
}

export const latentOperationSharpen = defineNode({
  name: "LatentOperationSharpen",
  category,
  module,
  schema: "v3",
  experimental: true,
  inputs: {
    sharpen_radius: int({ default: 9, min: 1, max: 31, step: 1 }),
    sigma: float({ default: 1.0, min: 0.1, max: 10.0, step: 0.1 }),
    alpha: float({ default: 0.1, min: 0.0, max: 5.0, step: 0.01 }),
  },
  outputs: ["LATENT_OPERATION"],
  run: ({ sharpen_radius, sigma, alpha }) => [
    (samples: Tensor) => sharpen(samples, { radius: sharpen_radius, sigma, amount: alpha * 10 }),
  ],
});

/** Unsharp masking of the directions; the lengths stay. */
function sharpen(
  samples: Tensor,
  { radius, sigma, amount }: { radius: number; sigma: number; amount: number },
): Tensor {
  const lengths = channelNorms(samples).data.map((length) => length + 1e-6);
  const scalars = { shape: [samples.shape[0] ?? 1, ...samples.shape.slice(2)], data: lengths };
  const directions = mapVectors(samples, scalars, (value, length) => value / length);
  const blurred = channelsFirst(gaussianBlur(channelsLast(directions), { radius, sigma }));
  const sharp = mapPairs(directions, blurred, (d, soft) => (1 + amount) * d - amount * soft);
  return mapVectors(sharp, scalars, (value, length) => value * length);
}
