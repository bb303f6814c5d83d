/** Whole prompts on small random checkpoints, through the engine as people use it. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { openEngine } from "../../src/process/open-engine.ts";
import {
  checkpointBytes,
  type Layout,
  layoutOf,
  openFolder,
} from "../support/random-checkpoint.ts";

type Prompt = Record<string, { class_type: string; inputs: Record<string, unknown> }>;

async function openStudio(files: Readonly<Record<string, Uint8Array>>) {
  const folder = await openFolder();
  for (const [name, bytes] of Object.entries(files)) await folder.write(name, bytes);
  const output = path.join(folder.folder, "output");
  const engine = await openEngine({
    inline: true,
    models: folder.folder,
    input: path.join(folder.folder, "input"),
    output,
  });
  return {
    async run(prompt: Prompt, changes: Partial<Prompt> = {}) {
      const outcome = await engine.run({ jobId: "job", prompt: { ...prompt, ...changes } });
      const names = await readdir(output);
      return { outcome, pictures: names.map((name) => path.join(output, name)) };
    },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const textToImage: Prompt = {
  "1": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "small.safetensors" } },
  "2": { class_type: "CLIPTextEncode", inputs: { clip: ["1", 1], text: "a (photo:1.2) of a cat" } },
  "3": { class_type: "CLIPTextEncode", inputs: { clip: ["1", 1], text: "" } },
  "4": { class_type: "EmptyLatentImage", inputs: { width: 64, height: 48, batch_size: 2 } },
  "5": {
    class_type: "KSampler",
    inputs: {
      model: ["1", 0],
      positive: ["2", 0],
      negative: ["3", 0],
      latent_image: ["4", 0],
      seed: 7,
      steps: 3,
      cfg: 4,
      sampler_name: "euler",
      scheduler: "normal",
      denoise: 1,
    },
  },
  "6": { class_type: "VAEDecode", inputs: { samples: ["5", 0], vae: ["1", 2] } },
  "7": { class_type: "SaveImage", inputs: { images: ["6", 0], filename_prefix: "cat" } },
};

const files = {
  "checkpoints/small.safetensors": checkpointBytes(layoutOf("sd1"), { type: "F16" }),
  "checkpoints/xl.safetensors": checkpointBytes(
    { ...layoutOf("sdxl"), ...only(layoutOf("sd1"), "first_stage_model.") },
    { type: "F16", metadata: { "rabbitloom.family": "sdxl" } },
  ),
  "checkpoints/bare.safetensors": checkpointBytes(only(layoutOf("sd1"), "model.diffusion_model.")),
  "loras/other.safetensors": checkpointBytes({
    "lora_unet_elsewhere.lora_down.weight": [4, 8],
    "lora_unet_elsewhere.lora_up.weight": [8, 4],
  }),
};

function only(layout: Layout, prefix: string): Layout {
  return Object.fromEntries(Object.entries(layout).filter(([key]) => key.startsWith(prefix)));
}

const loader = (ckpt_name: string) => ({
  "1": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name } },
});

test.each(["small.safetensors", "xl.safetensors"])(
  "a prompt with the checkpoint %s saves its pictures",
  async (name) => {
    await using studio = await openStudio(files);
    const { outcome, pictures } = await studio.run(textToImage, loader(name));
    expect(outcome).toMatchObject({ state: "succeeded" });
    expect(pictures).toHaveLength(2);
    // The small VAE enlarges twofold only.
    expect(await sharp(pictures[0]).metadata()).toMatchObject({ width: 16, height: 12 });
  },
);

test("a part that a checkpoint lacks is named by the node that needs it", async () => {
  await using studio = await openStudio(files);
  const { outcome } = await studio.run(textToImage, loader("bare.safetensors"));
  expect(outcome).toMatchObject({
    state: "failed",
    error: {
      message: expect.stringMatching(/"bare.safetensors": it holds no text encoder/),
      node: { nodeType: "CLIPTextEncode" },
    },
  });
});

test("a LoRA for another model fails its node with the reason, and the engine goes on", async () => {
  await using studio = await openStudio(files);
  const lora = {
    class_type: "LoraLoader",
    inputs: {
      model: ["1", 0],
      clip: ["1", 1],
      lora_name: "other.safetensors",
      strength_model: 1,
      strength_clip: 1,
    },
  };
  const encode = { class_type: "CLIPTextEncode", inputs: { clip: ["8", 1], text: "" } };
  const { outcome } = await studio.run(textToImage, { "8": lora, "3": encode });
  expect(outcome).toMatchObject({
    state: "failed",
    error: {
      code: "MODEL_INVALID",
      message: expect.stringMatching(
        /"other.safetensors" changes no layer of Stable Diffusion 1.x/,
      ),
      node: { nodeId: "8" },
    },
  });
  expect((await studio.run(textToImage)).outcome).toMatchObject({ state: "succeeded" });
});
