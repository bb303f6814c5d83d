/** Perturbed-attention guidance: its network against PyTorch, within 1e-5 of the largest value (../fixtures/models/make-perturbed.py made the numbers), and its formula. */
import { expect, test } from "vitest";
import { basicGuider, cfgGuider, type Guider } from "../../src/guidance/guider.ts";
import { loadUnet } from "../../src/models/checkpoint.ts";
import { type DiffusionModel, predict } from "../../src/models/model.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { tensor } from "../../src/tensor.ts";
import { openWorkbench, outputAt } from "../nodes/evaluate.ts";
import {
  checkpointBytes,
  drawn,
  layoutOf,
  openFolder,
  readReference,
  relativeError,
} from "../support/random-checkpoint.ts";
import { toyModel, toyPrompt } from "../support/toy-model.ts";

const { expected } = readReference("perturbed.json");

test("a UNet whose middle attention is the identity predicts as PyTorch does", async () => {
  await using folder = await openFolder();
  await using runtime = createRuntime();
  const unet = Object.entries(layoutOf("sd1")).filter(([key]) => key.startsWith("model."));
  const bytes = checkpointBytes(Object.fromEntries(unet));
  const model = await loadUnet(runtime, await folder.write("unet.safetensors", bytes));
  const inputs = {
    x: drawn("x", 1, 4, 6, 10),
    timesteps: Float32Array.of(500),
    context: drawn("context", 1, 77, 64),
  };
  const perturbed = await predict(model, { ...inputs, isPerturbed: true });
  expect(relativeError(perturbed, expected("sd1", "unet"))).toBeLessThan(1e-5);
  expect(relativeError(await predict(model, inputs), perturbed)).toBeGreaterThan(1e-3);
});

function isModel(value: unknown): value is DiffusionModel {
  return typeof value === "object" && value !== null && "network" in value;
}

async function patched(scale: number): Promise<DiffusionModel> {
  await using bench = await openWorkbench();
  const outputs = await bench.call("PerturbedAttentionGuidance", { model: toyModel(), scale });
  const model = outputAt(outputs, 0);
  if (!isModel(model)) throw new Error("there is no model");
  return model;
}

/** D's that are numbers: 3 of the prompt, 1 of the negative one, 2 of the prompt by the perturbed network. */
async function guided({ guide }: Guider) {
  const asked: string[] = [];
  const x = new Float32Array(1);
  const { denoised } = await guide({
    x,
    sigma: 1,
    shape: { batch: 1, channels: 1, height: 1, width: 1 },
    needsNegative: false,
    async predict(side, { isPerturbed = false } = {}) {
      asked.push(`${side}${isPerturbed ? " perturbed" : ""}`);
      return Float32Array.of(isPerturbed ? 2 : ([3, 1][side] ?? Number.NaN));
    },
  });
  return { denoised: denoised[0], asked };
}

const prompts = { positive: toyPrompt(0), negative: toyPrompt(0) };

test("the difference to the perturbed prediction is added times the scale", async () => {
  const model = await patched(0.5);
  expect(await guided(cfgGuider(model, { ...prompts, cfg: 4 }))).toEqual({
    denoised: 1 + 4 * 2 + 0.5,
    asked: ["0", "1", "0 perturbed"],
  });
  expect(await guided(cfgGuider(model, { ...prompts, cfg: 1 }))).toEqual({
    denoised: 3.5,
    asked: ["0", "0 perturbed"],
  });
  expect(await guided(basicGuider(model, prompts.positive))).toMatchObject({ denoised: 3.5 });
});

test("at scale 0 nothing more is asked", async () => {
  const { asked } = await guided(cfgGuider(await patched(0), { ...prompts, cfg: 4 }));
  expect(asked).toEqual(["0", "1"]);
});

test("a whole sampling asks for the perturbed prediction in each step", async () => {
  await using bench = await openWorkbench();
  const model = await patched(3);
  const asked: boolean[] = [];
  const network = {
    ...model.network,
    predict: (...[inputs, patches]: Parameters<typeof model.network.predict>) => {
      asked.push(inputs.isPerturbed === true);
      return model.network.predict(inputs, patches);
    },
  };
  await bench.call("KSampler", {
    model: { ...model, network },
    ...prompts,
    seed: 1,
    steps: 2,
    cfg: 2,
    sampler_name: "euler",
    scheduler: "normal",
    latent_image: { samples: tensor([1, 4, 8, 8]) },
    denoise: 1,
  });
  expect(asked).toEqual([false, false, true, false, false, true]);
});
