import { afterAll, beforeAll, expect, test } from "vitest";
import { denoisedFrom, inputScale } from "../../src/guidance/prediction.ts";
import type { DiffusionModel } from "../../src/models/model.ts";
import { noiseLevels } from "../../src/schedule/noise-levels.ts";
import { tensor } from "../../src/tensor.ts";
import { callForLatent } from "../support/latents.ts";
import { emptyLatent, meanOf, type ToyModel, toyModel, toyPrompt } from "../support/toy-model.ts";
import { openWorkbench, outputAt, type Workbench } from "./evaluate.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench[Symbol.asyncDispose]());

async function patched(
  name: string,
  inputs: Record<string, unknown>,
  model: ToyModel = toyModel(),
): Promise<DiffusionModel> {
  const value = outputAt(await bench.call(name, { model, ...inputs }), 0);
  if (typeof value !== "object" || value === null) throw new Error(`${name} returns no model`);
  return { ...model, ...value };
}

const sampled = (model: DiffusionModel, inputs: Record<string, unknown> = {}) =>
  callForLatent(bench, "KSampler", {
    model,
    seed: 1,
    steps: 12,
    cfg: 1,
    sampler_name: "euler",
    scheduler: "simple",
    positive: toyPrompt(3),
    negative: toyPrompt(0),
    latent_image: emptyLatent(),
    denoise: 1,
    ...inputs,
  });

test("ModelSamplingDiscrete reads a velocity network that its file does not announce", async () => {
  const silent = { ...toyModel({ prediction: "v" }), prediction: "eps" } as const;
  const wrong = await sampled(silent);
  const right = await sampled(
    await patched("ModelSamplingDiscrete", { sampling: "v_prediction", zsnr: false }, silent),
  );
  expect(Math.abs(meanOf(wrong.samples) - 6)).toBeGreaterThan(1);
  expect(meanOf(right.samples)).toBeCloseTo(6, 0);
});

test("ModelSamplingDiscrete with zsnr starts from sigma 4518.76", async () => {
  const { sampling } = await patched("ModelSamplingDiscrete", { sampling: "eps", zsnr: true });
  expect(noiseLevels(sampling).sigmaMax).toBeCloseTo(4518.76, 1);
});

test("lcm has 50 levels and is x itself at the lowest timestep, the prediction at the highest", async () => {
  const { prediction, sampling } = await patched("ModelSamplingDiscrete", {
    sampling: "lcm",
    zsnr: false,
  });
  expect(noiseLevels(sampling).table.length).toBe(50);
  const rule = { prediction, sigmaData: 1, sigma: 2 };
  const [x, out] = [Float32Array.of(10), Float32Array.of(3)];
  expect(denoisedFrom(x, out, { ...rule, timestep: 0 })[0]).toBe(10);
  expect(denoisedFrom(x, out, { ...rule, timestep: 999 })[0]).toBeCloseTo(4, 3);
  expect(inputScale(rule)).toBeCloseTo(1 / Math.sqrt(5), 12);
});

test("ModelSamplingContinuousEDM changes range and reading, and the latents for Playground", async () => {
  const range = { sigma_max: 80, sigma_min: 0.002 };
  const edm = await patched("ModelSamplingContinuousEDM", { sampling: "edm", ...range });
  expect(edm).toMatchObject({ prediction: "edm", sampling: { sigmaData: 0.5, timestep: "edm" } });
  const playground = await patched("ModelSamplingContinuousEDM", {
    sampling: "edm_playground_v2.5",
    ...range,
  });
  expect(playground.latentFormat.scale.length).toBe(4);
  await expect(
    patched("ModelSamplingContinuousEDM", { sampling: "cosmos_rflow", ...range }),
  ).rejects.toThrow("Cosmos models, which are not run here");
  await expect(
    patched("ModelSamplingContinuousEDM", { sampling: "eps", sigma_max: 1, sigma_min: 2 }),
  ).rejects.toThrow("sigma_min must be over 0 and under sigma_max, got 2 and 1");
});

test("ModelSamplingFlux shifts by the number of 16x16 tokens", async () => {
  const shiftOf = async (width: number, height: number) => {
    const { sampling } = await patched("ModelSamplingFlux", {
      max_shift: 1.15,
      base_shift: 0.5,
      width,
      height,
    });
    return sampling.kind === "flow" ? Math.log(sampling.shift) : Number.NaN;
  };
  expect(await shiftOf(256, 256)).toBeCloseTo(0.5, 12);
  expect(await shiftOf(1024, 1024)).toBeCloseTo(1.15, 12);
});

test("RescaleCFG brings a guided picture back to the contrast of the prompt's", async () => {
  const guided = { cfg: 8, scheduler: "karras", steps: 20 };
  const plain = await sampled(toyModel(), guided);
  const rescaled = await sampled(await patched("RescaleCFG", { multiplier: 1 }), guided);
  expect(rescaled.samples.data).not.toEqual(plain.samples.data);
  expect(Math.abs(meanOf(rescaled.samples))).toBeLessThan(Math.abs(meanOf(plain.samples)));
});

test("DifferentialDiffusion changes a grey mask's part less than the full part", async () => {
  const noiseMask = tensor([1, 8, 16]);
  noiseMask.data.forEach((_, i) => {
    noiseMask.data[i] = i % 16 < 8 ? 1 : 0.3;
  });
  const samples = tensor([1, 4, 8, 16], new Float32Array(512).fill(-6));
  const result = await sampled(await patched("DifferentialDiffusion", {}), {
    latent_image: { samples, noiseMask },
  });
  const mean = (isLeft: boolean) => {
    const part = result.samples.data.filter((_, i) => i % 16 < 8 === isLeft);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  };
  expect(mean(true)).toBeCloseTo(6, 0);
  expect(mean(false)).toBeLessThan(3);
});

test("AddNoise adds as much noise as the levels differ, in the model's space", async () => {
  const model = toyModel();
  const inputs = { model, sigmas: Float32Array.of(3, 1), latent_image: emptyLatent(32, 32) };
  const noise = outputAt(await bench.call("RandomNoise", { noise_seed: 3 }), 0);
  const { samples } = await callForLatent(bench, "AddNoise", { ...inputs, noise });
  const deviation = Math.sqrt(
    samples.data.reduce((sum, value) => sum + value * value, 0) / samples.data.length,
  );
  // 2, and the format halves on the way in.
  expect(deviation).toBeCloseTo(4, 0);
});
