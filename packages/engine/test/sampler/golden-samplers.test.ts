/**
 * Against ComfyUI 0.3.64's samplers on a Gaussian's own denoiser (fixtures/samplers.json): 20 steps of the
 * karras schedule. Tolerance: 1e-5 in latents of deviation about 1 (floats' rounding over 20 steps).
 */
import { expect, test } from "vitest";
import { createTorchRng } from "../../src/math/torch-random.ts";
import { weightedSum } from "../../src/math/weighted-sum.ts";
import { SAMPLER_NAMES, samplerNamed } from "../../src/sampler/samplers.ts";
import { scaledLinearSigmas } from "../../src/schedule/discrete-sigmas.ts";
import { noiseLevels } from "../../src/schedule/noise-levels.ts";
import { scheduleSigmas } from "../../src/schedule/schedulers.ts";
import { gaussianDenoiser } from "../support/gaussian-denoiser.ts";
import { goldenSamplers } from "../support/golden-samplers.ts";

const COUNT = 256;
const levels = noiseLevels({ kind: "discrete", sigmaData: 1, sigmas: scaledLinearSigmas() });
const sigmas = scheduleSigmas("karras", levels, 20);
const { denoise } = gaussianDenoiser(createTorchRng(99).randn(COUNT), 0.25);
const start = weightedSum([Math.sqrt(1 + (sigmas[0] ?? 0) ** 2), createTorchRng(42).randn(COUNT)]);

test.each(Object.entries(goldenSamplers.samples_values))(
  "%s ends in ComfyUI's latent",
  async (key, expected) => {
    const name = SAMPLER_NAMES.find((candidate) => key === `karras/${candidate}`);
    if (name === undefined) throw new Error(`no sampler for ${key}`);
    const rng = createTorchRng(7);
    const steps: number[] = [];
    const end = await samplerNamed(name).run(
      async (x, sigma) => ({ denoised: await denoise(x, sigma), negative: x }),
      start,
      sigmas,
      {
        noise: () => rng.randn(COUNT),
        onStep: ({ step }) => steps.push(step),
        sigmaAtPercent: levels.sigmaAtPercent,
      },
    );
    const largest = expected.reduce((m, v, i) => Math.max(m, Math.abs(v - (end[i] ?? 1e9))), 0);
    expect(largest).toBeLessThan(1e-5);
    expect(steps).toEqual(Array.from({ length: 20 }, (_, i) => i));
  },
);
