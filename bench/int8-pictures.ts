/**
 * How far pictures of 8-bit steps are from those of F32 steps: peak signal to noise ratio over fixed prompts and seeds.
 *
 *   CHECKPOINT=models/checkpoints/loom-shapes.safetensors ./loom bench int8-pictures
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Comfy, type Tensor } from "@rabbitloom/engine";
import { printMachine } from "./support/measure.ts";

const PROMPTS = [
  "a large red circle in the center on a white background",
  "a small blue square in the top left on a yellow background",
  "a large green triangle in the center on a black background",
  "a small orange star in the bottom right on a gray background",
];
const SEEDS = [1, 2];
const STEPS = 20;

const file = path.resolve(process.env.CHECKPOINT ?? "models/checkpoints/loom-shapes.safetensors");
const work = await mkdtemp(path.join(tmpdir(), "loom-int8-"));
printMachine();
try {
  const full = await pictures("full");
  const int8 = await pictures("int8");
  const ratios = full.map((picture, index) => psnr(picture, int8[index]));
  ratios.sort((a, b) => a - b);
  const median = ratios[Math.floor(ratios.length / 2)];
  console.log(
    `${ratios.length} pictures, ${STEPS} steps, int8 against full precision: PSNR lowest ${ratios[0]?.toFixed(1)} dB, ` +
      `median ${median?.toFixed(1)} dB, highest ${ratios.at(-1)?.toFixed(1)} dB`,
  );
} finally {
  await rm(work, { recursive: true, force: true });
}

async function pictures(precision: "full" | "int8"): Promise<Tensor[]> {
  await using comfy = new Comfy({
    input: path.join(work, "input"),
    output: path.join(work, precision),
    models: path.join(path.dirname(file), ".."),
    precision,
  });
  const made: Tensor[] = [];
  for (const text of PROMPTS) {
    for (const seed of SEEDS) {
      const task = comfy.queueWithProgress(prompt(text, seed));
      for await (const event of task.progress()) {
        if (event.type !== "node-preview" || event.nodeId !== "end") continue;
        made.push(await event.decode());
      }
      await task.result();
    }
  }
  return made;
}

function prompt(text: string, seed: number) {
  const node = (class_type: string, inputs: Record<string, unknown>) => ({ class_type, inputs });
  return {
    model: node("CheckpointLoaderSimple", { ckpt_name: path.basename(file) }),
    positive: node("CLIPTextEncode", { text, clip: ["model", 1] }),
    negative: node("CLIPTextEncode", { text: "", clip: ["model", 1] }),
    empty: node("EmptyLatentImage", { width: 128, height: 128, batch_size: 1 }),
    sampler: node("KSampler", {
      model: ["model", 0],
      positive: ["positive", 0],
      negative: ["negative", 0],
      latent_image: ["empty", 0],
      seed,
      steps: STEPS,
      cfg: 4,
      sampler_name: "euler",
      scheduler: "normal",
      denoise: 1,
    }),
    picture: node("VAEDecode", { samples: ["sampler", 0], vae: ["model", 2] }),
    end: node("SaveImageWebsocket", { images: ["picture", 0] }),
  };
}

/** Of pictures with values 0..1. */
function psnr(a: Tensor, b: Tensor | undefined): number {
  let squares = 0;
  for (let i = 0; i < a.data.length; i++) {
    squares += ((a.data[i] ?? 0) - (b?.data[i] ?? Number.NaN)) ** 2;
  }
  return 10 * Math.log10(a.data.length / squares);
}
