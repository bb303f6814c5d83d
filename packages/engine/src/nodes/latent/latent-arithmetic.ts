/** Latents added, subtracted, scaled and mixed; the second is fitted to the first. */
import { mapPairs, mapValues } from "../../image/pointwise.ts";
import { resizeChannels } from "../../image/resize.ts";
import type { Tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { float, latent } from "../input.ts";
import { fitLatent } from "./fit-latent.ts";
import { channelNorms, mapVectors } from "./latent-vectors.ts";

const module = "comfy_extras.nodes_latent";
const category = "latent/advanced";

export const latentAdd = defineNode({
  name: "LatentAdd",
  category,
  module,
  schema: "v3",
  inputs: { samples1: latent(), samples2: latent() },
  outputs: ["LATENT"],
  run: ({ samples1, samples2 }) => {
    const b = fitLatent(samples2.samples, samples1.samples);
    return [{ ...samples1, samples: mapPairs(samples1.samples, b, (x, y) => x + y) }];
  },
});

export const latentSubtract = defineNode({
  name: "LatentSubtract",
  category,
  module,
  schema: "v3",
  inputs: { samples1: latent(), samples2: latent() },
  outputs: ["LATENT"],
  run: ({ samples1, samples2 }) => {
    const b = fitLatent(samples2.samples, samples1.samples);
    return [{ ...samples1, samples: mapPairs(samples1.samples, b, (x, y) => x - y) }];
  },
});

export const latentMultiply = defineNode({
  name: "LatentMultiply",
  category,
  module,
  schema: "v3",
  inputs: {
    samples: latent(),
    multiplier: float({ default: 1.0, min: -10.0, max: 10.0, step: 0.01 }),
  },
  outputs: ["LATENT"],
  run: ({ samples, multiplier }) => [
    { ...samples, samples: mapValues(samples.samples, (x) => x * multiplier) },
  ],
});

/** ratio * samples1 + (1 - ratio) * samples2, direction and length of each pixel's vector mixed apart. */
export const latentInterpolate = defineNode({
  name: "LatentInterpolate",
  category,
  module,
  schema: "v3",
  inputs: {
    samples1: latent(),
    samples2: latent(),
    ratio: float({ default: 1.0, min: 0.0, max: 1.0, step: 0.01 }),
  },
  outputs: ["LATENT"],
  run: ({ samples1, samples2, ratio }) => {
    const a = samples1.samples;
    const b = fitLatent(samples2.samples, a);
    const mix = (x: number, y: number) => x * ratio + y * (1 - ratio);
    const directions = directionsOf(mapPairs(directionsOf(a), directionsOf(b), mix));
    const lengths = mapPairs(channelNorms(a), channelNorms(b), mix);
    return [
      { ...samples1, samples: mapVectors(directions, lengths, (value, length) => value * length) },
    ];
  },
});

function directionsOf(t: Tensor): Tensor {
  return mapVectors(t, channelNorms(t), (value, norm) => (norm === 0 ? 0 : value / norm));
}

/** blend_factor * samples1 + (1 - blend_factor) * samples2. */
export const latentBlend = defineNode({
  name: "LatentBlend",
  displayName: "Latent Blend",
  category: "_for_testing",
  inputs: {
    samples1: latent(),
    samples2: latent(),
    blend_factor: float({ default: 0.5, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["LATENT"],
  run: ({ samples1, samples2, blend_factor }) => {
    const a = samples1.samples;
    const width = a.shape.at(-1) ?? 1;
    const height = a.shape.at(-2) ?? 1;
    const isFitting = samples2.samples.shape.join() === a.shape.join();
    const fit = { width, height, method: "bicubic", crop: "center" } as const;
    const b = isFitting ? samples2.samples : resizeChannels(samples2.samples, fit);
    const mix = (x: number, y: number) => x * blend_factor + y * (1 - blend_factor);
    return [{ ...samples1, samples: mapPairs(a, b, mix) }];
  },
});
