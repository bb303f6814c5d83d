/**
 * Graphs of the kinds that ComfyUI's classic examples show and that are recorded nowhere here: editing by an SDXL network on a
 * continuous schedule, its making by merges, a learnt embedding, image to image. On small random files.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Comfy } from "../../src/index.ts";
import { writeModels } from "../support/classic-models.ts";
import { promptOf, type ShortGraph } from "../support/run-graph.ts";

let root = "";
let comfy: Comfy;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "whole-graphs-"));
  await mkdir(path.join(root, "input"));
  const create = { width: 72, height: 64, channels: 3, background: "orange" } as const;
  await sharp({ create }).png().toFile(path.join(root, "input/orange.png"));
  await writeModels(path.join(root, "models"), [
    "checkpoints/cosxl_edit.safetensors",
    "checkpoints/cosxl.safetensors",
    "checkpoints/sd_xl_base_1.0.safetensors",
    "checkpoints/sd_xl_turbo_1.0_fp16.safetensors",
    "checkpoints/v1-5-pruned-emaonly.ckpt",
    "embeddings/SDA768.pt",
  ]);
  comfy = new Comfy({
    models: path.join(root, "models"),
    input: path.join(root, "input"),
    output: path.join(root, "output"),
    inline: true,
  });
});
afterAll(async () => {
  await comfy[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

/** The sizes of what `shown` shows, and the pixels of the first. */
async function shownBy(graph: ShortGraph) {
  const outputs = await comfy.queuePrompt(promptOf(graph));
  const files = outputs.shown?.images ?? [];
  const pictures = await Promise.all(
    files.map(async ({ abs_path }) => sharp(abs_path).raw().toBuffer({ resolveWithObject: true })),
  );
  return {
    sizes: pictures.map(({ info }) => `${info.width}x${info.height}`),
    pixels: pictures[0]?.data ?? Buffer.alloc(0),
  };
}

const loaded = (ckpt_name: string): ShortGraph => ({
  loaded: ["CheckpointLoaderSimple", { ckpt_name }],
});
const texts = (clip: string, positive: string): ShortGraph => ({
  positive: ["CLIPTextEncode", { text: positive, clip: [clip, 1] }],
  negative: ["CLIPTextEncode", { text: "", clip: [clip, 1] }],
});
const sampled = (inputs: Record<string, unknown>): ShortGraph => ({
  sampled: [
    "KSampler",
    {
      model: ["loaded", 0],
      seed: 1,
      steps: 2,
      cfg: 3,
      sampler_name: "uni_pc_bh2",
      scheduler: "normal",
      positive: ["positive", 0],
      negative: ["negative", 0],
      denoise: 1,
      ...inputs,
    },
  ],
});
const shown = (samples: string): ShortGraph => ({
  decoded: ["VAEDecode", { samples: [samples, 0], vae: ["loaded", 2] }],
  shown: ["PreviewImage", { images: ["decoded", 0] }],
});

test("a network for editing follows text and picture, each as strongly as it is told", async () => {
  const edit = (cfg_cond2_negative: number): ShortGraph => ({
    ...loaded("cosxl_edit.safetensors"),
    ...texts("loaded", "make it blue"),
    picture: ["LoadImage", { image: "orange.png" }],
    edited: [
      "InstructPixToPixConditioning",
      {
        positive: ["positive", 0],
        negative: ["negative", 0],
        vae: ["loaded", 2],
        pixels: ["picture", 0],
      },
    ],
    guider: [
      "DualCFGGuider",
      {
        model: ["loaded", 0],
        cond1: ["edited", 0],
        cond2: ["edited", 1],
        negative: ["negative", 0],
        cfg_conds: 5,
        cfg_cond2_negative,
        style: "regular",
      },
    ],
    sampler: ["KSamplerSelect", { sampler_name: "dpmpp_2m" }],
    sigmas: [
      "BasicScheduler",
      { model: ["loaded", 0], scheduler: "exponential", steps: 3, denoise: 1 },
    ],
    noise: ["RandomNoise", { noise_seed: 7 }],
    sampled: [
      "SamplerCustomAdvanced",
      {
        noise: ["noise", 0],
        guider: ["guider", 0],
        sampler: ["sampler", 0],
        sigmas: ["sigmas", 0],
        latent_image: ["edited", 2],
      },
    ],
    ...shown("sampled"),
  });
  const once = await shownBy(edit(1.5));
  expect(once.sizes).toEqual(["72x64"]);
  expect((await shownBy(edit(3))).pixels.equals(once.pixels)).toBe(false);
});

test("a difference between two models is added to a third, by blocks, and sampled on its schedule", async () => {
  const graph = (out: number): ShortGraph => ({
    ...loaded("cosxl.safetensors"),
    base: ["CheckpointLoaderSimple", { ckpt_name: "sd_xl_base_1.0.safetensors" }],
    other: ["CheckpointLoaderSimple", { ckpt_name: "sd_xl_turbo_1.0_fp16.safetensors" }],
    less: ["ModelMergeSubtract", { model1: ["other", 0], model2: ["base", 0], multiplier: 1 }],
    more: ["ModelMergeAdd", { model1: ["loaded", 0], model2: ["less", 0] }],
    blocks: ["ModelMergeSDXL", { model1: ["more", 0], model2: ["base", 0], ...xlRatios(out) }],
    scheduled: [
      "ModelSamplingContinuousEDM",
      { model: ["blocks", 0], sampling: "v_prediction", sigma_max: 120, sigma_min: 0.002 },
    ],
    lessClip: ["CLIPMergeSubtract", { clip1: ["other", 1], clip2: ["base", 1], multiplier: 1 }],
    clip: ["CLIPMergeAdd", { clip1: ["loaded", 1], clip2: ["lessClip", 0] }],
    positive: ["CLIPTextEncode", { text: "a photo of a cat", clip: ["clip", 0] }],
    negative: ["CLIPTextEncode", { text: "", clip: ["clip", 0] }],
    empty: ["EmptyLatentImage", { width: 64, height: 64, batch_size: 1 }],
    ...sampled({ model: ["scheduled", 0], latent_image: ["empty", 0] }),
    ...shown("sampled"),
  });
  const first = await shownBy(graph(1));
  expect(first.sizes).toEqual(["64x64"]);
  expect((await shownBy(graph(0.5))).pixels.equals(first.pixels)).toBe(false);
});

/** All of the first model but the last blocks. */
function xlRatios(out: number): Record<string, number> {
  const named = (count: number, name: string) =>
    Array.from({ length: count }, (_, index) => [`${name}.${index}`, 1] as const);
  return {
    "time_embed.": 1,
    "label_emb.": 1,
    ...Object.fromEntries([
      ...named(9, "input_blocks"),
      ...named(3, "middle_block"),
      ...named(9, "output_blocks"),
    ]),
    "out.": out,
  };
}

test("an embedding in a prompt changes the picture, and one that is not there is left out", async () => {
  const picture = async (text: string) => {
    const { pixels } = await shownBy({
      ...loaded("v1-5-pruned-emaonly.ckpt"),
      ...texts("loaded", text),
      empty: ["EmptyLatentImage", { width: 64, height: 64, batch_size: 1 }],
      ...sampled({ latent_image: ["empty", 0] }),
      ...shown("sampled"),
    });
    return pixels;
  };
  const plain = await picture("a cat");
  expect((await picture("a cat embedding:SDA768")).equals(plain)).toBe(false);
  expect((await picture("a cat embedding:SDA768.pt")).equals(plain)).toBe(false);
  expect((await picture("a cat embedding:SDA769.pt")).equals(plain)).toBe(true);
});

test("an image to image run keeps the picture's size, and at denoise 0 its latent", async () => {
  const run = (denoise?: number) =>
    shownBy({
      ...loaded("v1-5-pruned-emaonly.ckpt"),
      ...texts("loaded", "a cat"),
      picture: ["LoadImage", { image: "orange.png" }],
      encoded: ["VAEEncode", { pixels: ["picture", 0], vae: ["loaded", 2] }],
      ...sampled({ latent_image: ["encoded", 0], denoise: denoise ?? 1 }),
      ...shown(denoise === undefined ? "encoded" : "sampled"),
    });
  const changed = await run(0.87);
  expect(changed.sizes).toEqual(["72x64"]);
  const kept = await run(0);
  expect(kept.pixels.equals(changed.pixels)).toBe(false);
  expect(kept.pixels.equals((await run()).pixels)).toBe(true);
});
