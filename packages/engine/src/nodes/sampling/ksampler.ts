import { cfgGuider } from "../../guidance/guider.ts";
import { noNoise, randomNoise } from "../../guidance/noise.ts";
import { SAMPLER_NAMES, samplerNamed } from "../../sampler/samplers.ts";
import { ksamplerSigmas, sigmasBetween } from "../../schedule/ksampler-sigmas.ts";
import { noiseLevels } from "../../schedule/noise-levels.ts";
import { SCHEDULER_NAMES } from "../../schedule/schedulers.ts";
import { defineNode } from "../define-node.ts";
import { combo, conditioning, int, latent, model } from "../input.ts";
import { cfgInput, denoiseInput, seedInput, stepsInput } from "./inputs.ts";
import { runSampling } from "./run-sampling.ts";

export const ksampler = defineNode({
  name: "KSampler",
  category: "sampling",
  description: "Makes a latent picture of noise, guided by a prompt and a negative prompt.",
  inputs: {
    model: model({}),
    seed: seedInput(),
    steps: stepsInput(),
    cfg: cfgInput(),
    sampler_name: combo(SAMPLER_NAMES, {}),
    scheduler: combo(SCHEDULER_NAMES, {}),
    positive: conditioning({}),
    negative: conditioning({}),
    latent_image: latent({}),
    denoise: denoiseInput(),
  },
  outputs: ["LATENT"],
  usesDevice: true,
  run: async (inputs, context) => {
    const { model, positive, negative, cfg, steps, denoise, scheduler, seed } = inputs;
    const sigmas = ksamplerSigmas(noiseLevels(model.sampling), {
      sampler: inputs.sampler_name,
      scheduler,
      steps,
      denoise,
    });
    const { samples } = await runSampling(context, {
      guider: cfgGuider(model, { positive, negative, cfg }),
      sampler: samplerNamed(inputs.sampler_name),
      sigmas,
      noise: randomNoise(seed),
      latent: inputs.latent_image,
    });
    return [samples];
  },
});

/** A stretch of a sampling, for several nodes to share one. */
export const ksamplerAdvanced = defineNode({
  name: "KSamplerAdvanced",
  displayName: "KSampler (Advanced)",
  category: "sampling",
  inputs: {
    model: model(),
    add_noise: combo(["enable", "disable"]),
    noise_seed: seedInput(),
    steps: stepsInput(),
    cfg: cfgInput(),
    sampler_name: combo(SAMPLER_NAMES),
    scheduler: combo(SCHEDULER_NAMES),
    positive: conditioning(),
    negative: conditioning(),
    latent_image: latent(),
    start_at_step: int({ default: 0, min: 0, max: 10000 }),
    end_at_step: int({ default: 10000, min: 0, max: 10000 }),
    return_with_leftover_noise: combo(["disable", "enable"]),
  },
  outputs: ["LATENT"],
  usesDevice: true,
  run: async (inputs, context) => {
    const { model, positive, negative, cfg, steps, scheduler, noise_seed: seed } = inputs;
    const sigmas = ksamplerSigmas(noiseLevels(model.sampling), {
      sampler: inputs.sampler_name,
      scheduler,
      steps,
      denoise: 1,
    });
    const { samples } = await runSampling(context, {
      guider: cfgGuider(model, { positive, negative, cfg }),
      sampler: samplerNamed(inputs.sampler_name),
      sigmas: sigmasBetween(sigmas, {
        start: inputs.start_at_step,
        end: inputs.end_at_step,
        leavesNoise: inputs.return_with_leftover_noise === "enable",
      }),
      noise: inputs.add_noise === "enable" ? randomNoise(seed) : noNoise(seed),
      latent: inputs.latent_image,
    });
    return [samples];
  },
});
