import { intoModelSpace, isAllZero, outOfModelSpace } from "../../guidance/latent-space.ts";
import { noNoise, randomNoise } from "../../guidance/noise.ts";
import { tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { latent, model } from "../input.ts";
import { customSampling, noiseInput, seedInput, sigmasInput } from "./inputs.ts";

const category = "sampling/custom_sampling/noise";

export const randomNoiseNode = defineNode({
  ...customSampling,
  name: "RandomNoise",
  category,
  inputs: { noise_seed: seedInput() },
  outputs: ["NOISE"],
  run: ({ noise_seed }) => [randomNoise(noise_seed)],
});

export const disableNoise = defineNode({
  ...customSampling,
  name: "DisableNoise",
  category,
  inputs: {},
  outputs: ["NOISE"],
  run: () => [noNoise()],
});

/** latent + |first - last level| noise; a flow mixes them. */
export const addNoise = defineNode({
  ...customSampling,
  name: "AddNoise",
  category: "_for_testing/custom_sampling/noise",
  inputs: {
    model: model(),
    noise: noiseInput(),
    sigmas: sigmasInput(),
    latent_image: latent(),
  },
  outputs: ["LATENT"],
  run: ({ model, noise, sigmas, latent_image }) => {
    const [first] = sigmas;
    if (first === undefined) return [latent_image];
    const { samples } = latent_image;
    const scale = sigmas.length > 1 ? Math.abs(first - (sigmas.at(-1) ?? 0)) : first;
    const kept = model.sampling.kind === "flow" ? 1 - scale : 1;
    const start = isAllZero(samples) ? samples : intoModelSpace(samples, model.latentFormat);
    const drawn = noise.draw(latent_image);
    const noisy = start.data.map((value, i) => {
      const sum = kept * value + scale * (drawn[i] ?? 0);
      return Number.isFinite(sum) ? sum : 0;
    });
    return [
      {
        ...latent_image,
        samples: outOfModelSpace(tensor(samples.shape, noisy), model.latentFormat),
      },
    ];
  },
});
