import { encodeWebp } from "../../image/encode-webp.ts";
import { batchPixels } from "../../image/pixels.ts";
import { encodePngAnimation } from "../../image/png/encode-animation.ts";
import type { Tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { boolean, combo, float, image, int, string } from "../input.ts";
import type { SubmittedGraph } from "../saving/node-value.ts";
import { type OutputFolder, type SavedFile, saveFiles } from "../saving/output-files.ts";
import { graphText } from "../saving/save-pictures.ts";

const module = "comfy_extras.nodes_images";
const category = "image/animation";
const fps = float({ default: 6.0, min: 0.01, max: 1000.0, step: 0.01 });

const WEBP_EFFORT = { default: 4, fastest: 0, slowest: 6 } as const;

/** EXIF tags for the prompt and then, from 0x010f downwards, for each key of extra_pnginfo. */
const PROMPT_TAG = "Model";
const EXTRA_TAGS = ["Make", "ImageDescription", "DocumentName"] as const;

export const saveAnimatedWebp = defineNode({
  name: "SaveAnimatedWEBP",
  category,
  module,
  inputs: {
    images: image(),
    filename_prefix: string({ default: "ComfyUI" }),
    fps,
    lossless: boolean({ default: true }),
    quality: int({ default: 80, min: 0, max: 100 }),
    method: combo(["default", "fastest", "slowest"]),
  },
  hidden: { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" },
  outputs: [],
  isOutputNode: true,
  run: async ({ images, filename_prefix, fps, lossless, quality, method, ...graph }, context) => {
    const submitted = { prompt: graph.prompt, extraPngInfo: graph.extra_pnginfo };
    const frames = batchPixels(images);
    const webp = await encodeWebp(frames, {
      frameMs: Math.trunc(1000 / fps),
      lossless,
      quality,
      effort: WEBP_EFFORT[method],
      exif: exifTags(submitted),
    });
    const file = { prefix: filename_prefix, extension: ".webp", bytes: webp };
    const saved = await saveAnimation(context, images, { ...submitted, ...file });
    return { ui: { images: saved, animated: [frames.length !== 1] } };
  },
});

export const saveAnimatedPng = defineNode({
  name: "SaveAnimatedPNG",
  category,
  module,
  inputs: {
    images: image(),
    filename_prefix: string({ default: "ComfyUI" }),
    fps,
    compress_level: int({ default: 4, min: 0, max: 9 }),
  },
  hidden: { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" },
  outputs: [],
  isOutputNode: true,
  run: async ({ images, filename_prefix, fps, compress_level, ...graph }, context) => {
    const submitted = { prompt: graph.prompt, extraPngInfo: graph.extra_pnginfo };
    const png = await encodePngAnimation(batchPixels(images), {
      frameMs: Math.trunc(1000 / fps),
      level: compress_level,
      text: graphText(submitted),
    });
    const file = { prefix: filename_prefix, extension: ".png", bytes: png };
    const saved = await saveAnimation(context, images, { ...submitted, ...file });
    return { ui: { images: saved, animated: [true] } };
  },
});

function exifTags(graph: SubmittedGraph): Record<string, string> {
  const extraTags: string[] = [...EXTRA_TAGS];
  const tags: Record<string, string> = {};
  for (const [key, text] of Object.entries(graphText(graph))) {
    const tag = key === "prompt" ? PROMPT_TAG : extraTags.shift();
    if (tag !== undefined) tags[tag] = `${key}:${text}`;
  }
  return tags;
}

function saveAnimation(
  folder: OutputFolder,
  images: Tensor,
  file: SubmittedGraph & { prefix: string; extension: string; bytes: Uint8Array },
): Promise<SavedFile[]> {
  const { prefix, extension, bytes, ...graph } = file;
  const [, height = 0, width = 0] = images.shape;
  const facts = { ...graph, width, height };
  return saveFiles(folder, {
    type: "output",
    prefix,
    extension,
    facts,
    count: 1,
    content: () => bytes,
  });
}
