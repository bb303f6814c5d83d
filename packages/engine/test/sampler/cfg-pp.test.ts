/**
 * No recordings of the CFG++ samplers exist. What must hold: where both prompts see the same picture there is
 * nothing to guide, and each is the sampler it is made from.
 */
import { expect, test } from "vitest";
import { createTorchRng } from "../../src/math/torch-random.ts";
import { type SamplerName, samplerNamed } from "../../src/sampler/samplers.ts";
import { karrasSigmas } from "../../src/schedule/karras.ts";
import { gaussianDenoiser } from "../support/gaussian-denoiser.ts";

const COUNT = 64;
const sigmas = karrasSigmas(12, 0.03, 14);
const start = createTorchRng(1)
  .randn(COUNT)
  .map((value) => value * 14);

async function run(name: SamplerName, shift: number, variance = 0.25): Promise<Float32Array> {
  const { denoise } = gaussianDenoiser(createTorchRng(2).randn(COUNT), variance);
  const rng = createTorchRng(3);
  return await samplerNamed(name).run(
    async (x, sigma) => {
      const denoised = await denoise(x, sigma);
      return { denoised, negative: denoised.map((value) => value + shift) };
    },
    start,
    sigmas,
    { noise: () => rng.randn(COUNT), sigmaAtPercent: () => 0 },
  );
}

const pairs = [
  ["euler_cfg_pp", "euler"],
  ["euler_ancestral_cfg_pp", "euler_ancestral"],
  ["dpmpp_2s_ancestral_cfg_pp", "dpmpp_2s_ancestral"],
  ["dpmpp_2m_cfg_pp", "dpmpp_2m"],
  ["res_multistep_cfg_pp", "res_multistep"],
  ["res_multistep_ancestral_cfg_pp", "res_multistep_ancestral"],
  ["gradient_estimation_cfg_pp", "gradient_estimation"],
] as const;

test.each(pairs)("%s is %s where both prompts see the same", async (guided, plain) => {
  // Its second half step starts from the later negative, so here what is seen must not depend on x.
  const variance = guided === "dpmpp_2s_ancestral_cfg_pp" ? 1e-12 : 0.25;
  const [a, b] = [await run(guided, 0, variance), await run(plain, 0, variance)];
  a.forEach((value, i) => {
    expect(Math.abs(value - (b[i] ?? 0))).toBeLessThan(2e-5);
  });
});

test.each(pairs)("%s minds what the negative prompt sees", async (guided) => {
  const [plain, pushed] = [await run(guided, 0), await run(guided, -0.1)];
  const moved = pushed.reduce((sum, value, i) => sum + value - (plain[i] ?? 0), 0) / COUNT;
  expect(Math.abs(moved)).toBeGreaterThan(0.01);
});
