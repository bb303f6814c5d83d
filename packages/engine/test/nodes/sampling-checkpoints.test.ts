/**
 * KSampler on small random checkpoints of every family, whose networks agree with PyTorch (models/parity.test.ts):
 * from the prompt to the picture.
 */
import { expect, test } from "vitest";
import { createTorchRng } from "../../src/math/torch-random.ts";
import { loadCheckpoint } from "../../src/models/checkpoint.ts";
import { encodeText, predict } from "../../src/models/model.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { noiseLevels } from "../../src/schedule/noise-levels.ts";
import { scheduleSigmas } from "../../src/schedule/schedulers.ts";
import { type Tensor, tensor } from "../../src/tensor.ts";
import { callForLatent } from "../support/latents.ts";
import { checkpointBytes, drawn, layoutOf, openFolder } from "../support/random-checkpoint.ts";
import { openWorkbench } from "./evaluate.ts";

async function openFamily(family: string) {
  const folder = await openFolder();
  const runtime = createRuntime();
  const bench = await openWorkbench();
  const metadata = family.startsWith("sdxl") ? { "rabbitloom.family": family } : {};
  const bytes = checkpointBytes(layoutOf(family), { metadata });
  const file = await folder.write("random.safetensors", bytes);
  const parts = await loadCheckpoint(runtime, { file });
  return {
    ...parts,
    sample: (inputs: Record<string, unknown>) =>
      callForLatent(bench, "KSampler", {
        model: parts.model,
        seed: 5,
        steps: 3,
        cfg: 4,
        sampler_name: "euler",
        scheduler: "normal",
        latent_image: { samples: tensor([1, 4, 8, 8]) },
        denoise: 1,
        ...inputs,
      }),
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      await runtime[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test.each(["sd1", "sd2", "sdxl", "sdxl-refiner"])(
  "%s goes from its own CLIP's prompt to a latent, guided by it",
  async (family) => {
    await using opened = await openFamily(family);
    if (opened.clip === null) throw new Error("the checkpoint has a text encoder");
    const positive = [await encodeText(opened.clip, "a photo of a cat")];
    const negative = [await encodeText(opened.clip, "")];
    const { samples } = await opened.sample({ positive, negative });
    expect(samples.shape).toEqual([1, 4, 8, 8]);
    expect(samples.data.every(Number.isFinite)).toBe(true);
    const other = await opened.sample({ positive: negative, negative: positive });
    expect(other.samples.data).not.toEqual(samples.data);
  },
);

test("an inpainting network samples with a mask of its own beside the latent", async () => {
  await using opened = await openFamily("inpaint");
  const prompt = [{ context: drawn("context", 1, 77, opened.model.network.contextWidth) }];
  const latent_image = { samples: drawn("latent", 1, 4, 8, 8), noiseMask: tensor([1, 64, 64]) };
  const { samples } = await opened.sample({ positive: prompt, negative: prompt, latent_image });
  samples.data.forEach((value, i) => {
    expect(value).toBeCloseTo(latent_image.samples.data[i] ?? 0, 4);
  });
});

test("a sampling with Euler's method is the loop that one writes by hand", async () => {
  await using opened = await openFamily("sd1");
  const { model } = opened;
  const width = model.network.contextWidth;
  const [positive, negative] = [drawn("positive", 1, 77, width), drawn("negative", 1, 77, width)];
  const levels = noiseLevels(model.sampling);
  const sigmas = scheduleSigmas("normal", levels, 3);

  const at = async (x: Float32Array, sigma: number, context: Tensor) => {
    const scaled = x.map((value) => value / Math.sqrt(sigma * sigma + 1));
    const timesteps = Float32Array.of(levels.timestepOf(sigma));
    return await predict(model, { x: tensor([1, 4, 8, 8], scaled), timesteps, context });
  };
  const [highest = 0] = sigmas;
  let x = createTorchRng(5)
    .randn(256)
    .map((value) => value * Math.sqrt(1 + highest * highest));
  for (let step = 0; step < 3; step++) {
    const [sigma = 0, next = 0] = sigmas.subarray(step);
    const wanted = await at(x, sigma, positive);
    const unwanted = await at(x, sigma, negative);
    x = x.map((value, i) => {
      const [a = 0, b = 0] = [wanted.data[i], unwanted.data[i]];
      return value + (b + 4 * (a - b)) * (next - sigma);
    });
  }

  const { samples } = await opened.sample({
    positive: [{ context: positive }],
    negative: [{ context: negative }],
  });
  samples.data.forEach((value, i) => {
    // Latents are the VAE's own values: the network's over 0.18215.
    expect(Math.abs(value * 0.18215 - (x[i] ?? 0))).toBeLessThan(1e-4);
  });
});
