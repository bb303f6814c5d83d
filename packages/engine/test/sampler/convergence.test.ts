/**
 * The Gaussian denoiser's probability flow has an exact solution. A solver of order p comes closer to it by
 * about 2^p when the steps are halved; and a stochastic solver ends with pictures of the right spread.
 */
import { expect, test } from "vitest";
import { createTorchRng } from "../../src/math/torch-random.ts";
import { type SamplerName, samplerNamed } from "../../src/sampler/samplers.ts";
import { karrasSigmas } from "../../src/schedule/karras.ts";
import { gaussianDenoiser } from "../support/gaussian-denoiser.ts";

const LOW = 0.1;
const HIGH = 14;

/** To LOW, where the exact solution is compared. */
function levelsOf(steps: number): Float32Array {
  return karrasSigmas(steps + 1, LOW, HIGH).slice(0, -1);
}

async function errorOf(name: SamplerName, steps: number): Promise<number> {
  const count = 32;
  const { denoise, exact } = gaussianDenoiser(createTorchRng(5).randn(count), 0.25);
  const start = createTorchRng(6)
    .randn(count)
    .map((value) => value * HIGH);
  const sigmas = levelsOf(steps);
  const end = await samplerNamed(name).run(
    async (x, sigma) => ({ denoised: await denoise(x, sigma), negative: x }),
    start,
    sigmas,
    { noise: () => new Float32Array(count), sigmaAtPercent: () => 0 },
  );
  const wanted = exact(start, HIGH, LOW);
  return end.reduce((m, value, i) => Math.max(m, Math.abs(value - (wanted[i] ?? 1e9))), 0);
}

test.each<[SamplerName, number]>([
  ["euler", 1],
  ["ddim", 1],
  ["heun", 2],
  ["dpm_2", 2],
  ["dpmpp_2m", 2],
  ["res_multistep", 2],
  ["lms", 2.5],
  ["deis", 2.5],
  ["uni_pc", 2],
  ["uni_pc_bh2", 2],
  ["dpm_fast", 2],
])("%s is of order %f at least", async (name, order) => {
  const [coarse, fine] = [await errorOf(name, 30), await errorOf(name, 60)];
  // What ends in a step of order 1 is of order 2. Below 1e-4 the floats' rounding hides the order.
  expect(fine < 1e-4 || coarse / fine > 2 ** (order - 0.35)).toBe(true);
  expect(fine).toBeLessThan(0.2);
});

test.each<SamplerName>([
  "euler_ancestral",
  "dpm_2_ancestral",
  "dpmpp_2s_ancestral",
  "dpmpp_sde",
  "dpmpp_2m_sde",
  "dpmpp_2m_sde_heun",
  "dpmpp_3m_sde",
  "ddpm",
  "res_multistep_ancestral",
  "er_sde",
  "seeds_2",
  "seeds_3",
  "sa_solver",
  "sa_solver_pece",
])("%s ends with pictures of the training data's spread", async (name) => {
  const count = 20_000;
  const { denoise } = gaussianDenoiser(new Float32Array(count), 0.25);
  const rng = createTorchRng(8);
  const start = createTorchRng(9)
    .randn(count)
    .map((value) => value * HIGH);
  const end = await samplerNamed(name).run(
    async (x, sigma) => ({ denoised: await denoise(x, sigma), negative: x }),
    start,
    karrasSigmas(60, 0.02, HIGH),
    // Random all the way, as a percent of 1 would be no noise.
    { noise: () => rng.randn(count), sigmaAtPercent: (percent) => (percent < 0.5 ? 1e9 : 0) },
  );
  const variance = end.reduce((sum, value) => sum + value * value, 0) / count;
  expect(Math.abs(Math.sqrt(variance) - 0.5)).toBeLessThan(0.06);
});

test("uni_pc calls the model once a step", async () => {
  for (const steps of [3, 4, 9]) {
    const { denoise, calls } = gaussianDenoiser(new Float32Array(4), 0.25);
    await samplerNamed("uni_pc").run(
      async (x, sigma) => ({ denoised: await denoise(x, sigma), negative: x }),
      new Float32Array(4).fill(3),
      karrasSigmas(steps, 0.1, 10),
      { noise: () => new Float32Array(4), sigmaAtPercent: () => 0 },
    );
    expect(calls.length).toBe(steps);
  }
});
