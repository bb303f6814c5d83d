/**
 * Against the solvers' published implementations (reference/solvers.py): UniPC's own and the adaptive one in
 * doubles, k-diffusion's others with torchsde's noise in floats. Tolerance: 2e-5 in latents of deviation about 1;
 * for dpm_adaptive 1e-3, as its first steps' lengths follow from errors near a float's rounding (with doubles
 * in place of floats it agrees to 4e-11).
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { noiseSource } from "../../src/guidance/noise.ts";
import { createTorchRng } from "../../src/math/torch-random.ts";
import { SAMPLER_NAMES, samplerNamed } from "../../src/sampler/samplers.ts";
import { vpSigmas } from "../../src/schedule/continuous-schedules.ts";
import { polyexponentialSigmas } from "../../src/schedule/exponential.ts";
import { gaussianDenoiser } from "../support/gaussian-denoiser.ts";

const recorded = z
  .object({
    solvers: z.array(
      z.object({
        sampler: z.enum(SAMPLER_NAMES),
        steps: z.int(),
        seed: z.string(),
        sigmas: z.array(z.number()),
        result: z.array(z.number()),
      }),
    ),
    schedules: z.object({ vp: z.array(z.number()), polyexponential: z.array(z.number()) }),
  })
  .parse(JSON.parse(readFileSync(new URL("../fixtures/solvers.json", import.meta.url), "utf8")));

test.each(recorded.solvers)(
  "$sampler with $steps steps and seed $seed ends where its authors' code does",
  async ({ sampler, seed, sigmas, result }) => {
    const levels = Float32Array.from(sigmas);
    const count = result.length;
    const { denoise } = gaussianDenoiser(createTorchRng(99).randn(count), 0.25);
    const { noise, run } = samplerNamed(sampler);
    const start = createTorchRng(42)
      .randn(count)
      .map((value) => value * (levels[0] ?? 0));
    const end = await run(
      async (x, sigma) => ({ denoised: await denoise(x, sigma), negative: x }),
      start,
      levels,
      {
        noise: noiseSource(noise, { seed: BigInt(seed), sigmas: levels, count }),
        sigmaAtPercent: () => 0,
      },
    );
    const largest = result.reduce((m, v, i) => Math.max(m, Math.abs(v - (end[i] ?? 1e9))), 0);
    expect(largest).toBeLessThan(sampler === "dpm_adaptive" ? 1e-3 : 2e-5);
  },
);

test.each([
  ["vp", vpSigmas(9, { epsilon: 1e-2 }), recorded.schedules.vp],
  [
    "polyexponential",
    polyexponentialSigmas(9, 0.03, 14.6, 0.7),
    recorded.schedules.polyexponential,
  ],
])("the %s schedule is k-diffusion's within 2e-6 of each level", (_, sigmas, expected) => {
  expect(sigmas.length).toBe(expected.length);
  expected.forEach((sigma, i) => {
    expect(Math.abs((sigmas[i] ?? Number.NaN) - sigma)).toBeLessThanOrEqual(2e-6 * sigma);
  });
});
