import { cfgGuider } from "../../guidance/guider.ts";
import { noNoise, randomNoise } from "../../guidance/noise.ts";
import { defineNode } from "../define-node.ts";
import { boolean, conditioning, latent, model } from "../input.ts";
import {
  cfgInput,
  customSampling,
  guiderInput,
  noiseInput,
  samplerInput,
  seedInput,
  sigmasInput,
} from "./inputs.ts";
import { runSampling } from "./run-sampling.ts";

const outputs = [
  { type: "LATENT", name: "output" },
  { type: "LATENT", name: "denoised_output" },
] as const;

export const samplerCustom = defineNode({
  ...customSampling,
  name: "SamplerCustom",
  category: "sampling/custom_sampling",
  inputs: {
    model: model(),
    add_noise: boolean({ default: true }),
    noise_seed: seedInput(),
    cfg: cfgInput(),
    positive: conditioning(),
    negative: conditioning(),
    sampler: samplerInput(),
    sigmas: sigmasInput(),
    latent_image: latent(),
  },
  outputs,
  usesDevice: true,
  run: async (inputs, context) => {
    const { model, positive, negative, cfg, sampler, sigmas, noise_seed: seed } = inputs;
    const { samples, denoised } = await runSampling(context, {
      guider: cfgGuider(model, { positive, negative, cfg }),
      sampler,
      sigmas,
      noise: inputs.add_noise ? randomNoise(seed) : noNoise(seed),
      latent: inputs.latent_image,
    });
    return [samples, denoised];
  },
});

export const samplerCustomAdvanced = defineNode({
  ...customSampling,
  name: "SamplerCustomAdvanced",
  category: "sampling/custom_sampling",
  inputs: {
    noise: noiseInput(),
    guider: guiderInput(),
    sampler: samplerInput(),
    sigmas: sigmasInput(),
    latent_image: latent(),
  },
  outputs,
  usesDevice: true,
  run: async ({ noise, guider, sampler, sigmas, latent_image }, context) => {
    const options = { noise, guider, sampler, sigmas, latent: latent_image };
    const { samples, denoised } = await runSampling(context, options);
    return [samples, denoised];
  },
});
