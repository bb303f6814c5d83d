/** A checkpoint of some size, and the prompt that makes a picture of it. */
import { truncate, writeFile } from "node:fs/promises";
import { elementCount } from "../../src/tensor.ts";

import { type Layout, layoutOf } from "./random-checkpoint.ts";
import { promptOf } from "./run-graph.ts";

const UNIT = 32;
const VOCABULARY = 49_408;

/** Stable Diffusion 1.x's small layout with all widths so many times as large: 9 times the weights at 3. */
export function widened(factor: number): Layout {
  const wide = (size: number) => (size % UNIT === 0 && size < VOCABULARY ? size * factor : size);
  return Object.fromEntries(
    Object.entries(layoutOf("sd1")).map(([key, shape]) => [key, shape.map(wide)]),
  );
}

/** A file of that layout, all of its weights 0 and none of them on the disk: of any size at once. */
export async function writeZeros(file: string, layout: Layout): Promise<void> {
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [key, shape] of Object.entries(layout)) {
    const end = offset + elementCount(shape) * Float32Array.BYTES_PER_ELEMENT;
    header[key] = { dtype: "F32", shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeFile(file, Buffer.concat([length, text]));
  await truncate(file, length.length + text.length + offset);
}

export function txt2img(
  ckpt_name: string,
  { steps = 1, seed = 1, side = 64 }: { steps?: number; seed?: number; side?: number } = {},
) {
  return promptOf({
    model: ["CheckpointLoaderSimple", { ckpt_name }],
    prompt: ["CLIPTextEncode", { text: "a photo of a cat", clip: ["model", 1] }],
    empty: ["EmptyLatentImage", { width: side, height: side, batch_size: 1 }],
    sampler: [
      "KSampler",
      {
        model: ["model", 0],
        positive: ["prompt", 0],
        negative: ["prompt", 0],
        latent_image: ["empty", 0],
        seed,
        steps,
        cfg: 1,
        sampler_name: "euler",
        scheduler: "normal",
        denoise: 1,
      },
    ],
    picture: ["VAEDecode", { samples: ["sampler", 0], vae: ["model", 2] }],
    end: ["SaveImageWebsocket", { images: ["picture", 0] }],
  });
}
