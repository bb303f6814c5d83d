/** What the saving nodes write loads again by the loaders of their folders, and makes the same picture. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Comfy } from "../../src/index.ts";
import { openWeights } from "../../src/models/open-weights.ts";
import {
  checkpointBytes,
  type Layout,
  layoutOf,
  openFolder,
} from "../support/random-checkpoint.ts";
import { promptOf, type ShortGraph } from "../support/run-graph.ts";
import { vaeLayout } from "../support/vae-layout.ts";

const VAE = "first_stage_model.";
const vae: Layout = Object.fromEntries(
  Object.entries(vaeLayout()).map(([key, shape]) => [VAE + key, shape]),
);
const withVae = (family: string): Layout => ({
  ...Object.fromEntries(Object.entries(layoutOf(family)).filter(([key]) => !key.startsWith(VAE))),
  ...vae,
});

let folder: Awaited<ReturnType<typeof openFolder>>;
let comfy: Comfy;
beforeAll(async () => {
  folder = await openFolder();
  await folder.write("models/checkpoints/sd1.safetensors", checkpointBytes(withVae("sd1")));
  const half = { type: "F16", metadata: { "rabbitloom.family": "sdxl" } } as const;
  await folder.write("models/checkpoints/sdxl.safetensors", checkpointBytes(withVae("sdxl"), half));
  const output = path.join(folder.folder, "output");
  comfy = new Comfy({
    // The default names of saved models begin with the folders that models are looked for in.
    models: [path.join(folder.folder, "models"), output],
    input: path.join(folder.folder, "input"),
    output,
    inline: true,
  });
});
afterAll(async () => {
  await comfy[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

type Link = readonly [id: string, slot: number];

const picture = (from: Readonly<Record<"model" | "clip" | "vae", Link>>): ShortGraph => ({
  prompt: ["CLIPTextEncode", { text: "a photo of a cat", clip: from.clip }],
  empty: ["EmptyLatentImage", { width: 64, height: 64, batch_size: 1 }],
  sampler: [
    "KSampler",
    {
      model: from.model,
      positive: ["prompt", 0],
      negative: ["prompt", 0],
      latent_image: ["empty", 0],
      seed: 3,
      steps: 2,
      cfg: 1,
      sampler_name: "euler",
      scheduler: "normal",
      denoise: 1,
    },
  ],
  decoded: ["VAEDecode", { samples: ["sampler", 0], vae: from.vae }],
  shown: ["PreviewImage", { images: ["decoded", 0] }],
});

async function pixelsOf(graph: ShortGraph): Promise<Buffer> {
  const outputs = await comfy.queuePrompt(promptOf(graph));
  const [file] = outputs.shown?.images ?? [];
  if (file === undefined) throw new Error("no picture was shown");
  return await sharp(file.abs_path).raw().toBuffer();
}

const checkpoint = (ckpt_name: string): ShortGraph => ({
  loaded: ["CheckpointLoaderSimple", { ckpt_name }],
});

test.each([
  ["sd1", ["sd1_clip_l_00001_.safetensors"]],
  ["sdxl", ["sdxl_clip_g_00001_.safetensors", "sdxl_clip_l_00001_.safetensors"]],
])(
  "%s makes the same picture from its saved whole, and from its saved parts",
  async (name, texts) => {
    const original = checkpoint(`${name}.safetensors`);
    const wanted = await pixelsOf({
      ...original,
      ...picture({ model: ["loaded", 0], clip: ["loaded", 1], vae: ["loaded", 2] }),
      whole: [
        "CheckpointSave",
        {
          model: ["loaded", 0],
          clip: ["loaded", 1],
          vae: ["loaded", 2],
          filename_prefix: `checkpoints/${name}-saved`,
        },
      ],
      unet: ["ModelSave", { model: ["loaded", 0], filename_prefix: `diffusion_models/${name}` }],
      text: ["CLIPSave", { clip: ["loaded", 1], filename_prefix: `clip/${name}` }],
      vae: ["VAESave", { vae: ["loaded", 2], filename_prefix: `vae/${name}` }],
    });
    expect(new Set(wanted).size).toBeGreaterThan(16);

    const saved = checkpoint(`${name}-saved_00001_.safetensors`);
    const whole = picture({ model: ["loaded", 0], clip: ["loaded", 1], vae: ["loaded", 2] });
    expect((await pixelsOf({ ...saved, ...whole })).equals(wanted)).toBe(true);

    const parts: ShortGraph = {
      ...original,
      unet: ["UNETLoader", { unet_name: `${name}_00001_.safetensors`, weight_dtype: "default" }],
      vae: ["VAELoader", { vae_name: `${name}_00001_.safetensors` }],
      ...picture({ model: ["unet", 0], clip: ["loaded", 1], vae: ["vae", 0] }),
    };
    expect((await pixelsOf(parts)).equals(wanted)).toBe(true);

    const files = await readdir(path.join(folder.folder, "output/clip"));
    expect(files.filter((file) => file.startsWith(`${name}_`)).sort()).toEqual(texts);
  },
);

test("a saved text encoder is loaded by its file alone", async () => {
  const loaded = checkpoint("sd1.safetensors");
  const own = picture({ model: ["loaded", 0], clip: ["loaded", 1], vae: ["loaded", 2] });
  const wanted = await pixelsOf({ ...loaded, ...own });
  const [first] = await readdir(path.join(folder.folder, "output/clip"));
  const text: ShortGraph = {
    text: ["CLIPLoader", { clip_name: first, type: "stable_diffusion" }],
  };
  const other = picture({ model: ["loaded", 0], clip: ["text", 0], vae: ["loaded", 2] });
  expect((await pixelsOf({ ...loaded, ...text, ...other })).equals(wanted)).toBe(true);
});

test("a saved VAE has its tensors by their bare names, and the workflow that made it", async () => {
  const file = path.join(folder.folder, "output/vae/sd1_00001_.safetensors");
  const { tensors, metadata } = await openWeights(file);
  expect([...tensors.keys()].sort()).toEqual(Object.keys(vaeLayout()).sort());
  expect(JSON.parse(metadata.get("prompt") ?? "")).toMatchObject({
    vae: { class_type: "VAESave" },
  });
});
