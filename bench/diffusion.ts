/**
 * A full-size UNet of random weights: time to load, time per step, memory, and what the engine adds to the session's own
 * runs; PyTorch on the same file, one after another in one run. Files are generated once and kept.
 *
 *   ./loom bench diffusion
 *   SIZE=sdxl TYPES=F16 STEPS=2 ./loom bench diffusion
 *
 * SIZE: sd15, sdxl, tiny. TYPES: of files, F32 and F16. SIDE: of the latent. STEPS: samples of each. FOLDER: of the files.
 * TORCH: a Python with PyTorch, empty for none (Debian: python3-torch and libopenblas0-pthread, without which its products
 * are ten times slower). VARIANTS: engine settings, full and int8.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as z from "zod";
import { checkpointLayout, type ModelSize, modelSizes } from "./diffusion/layouts.ts";
import { writeCheckpoint } from "./diffusion/write-checkpoint.ts";
import { printMachine } from "./support/measure.ts";

const settingsSchema = z.object({
  SIZE: z.enum(["sd15", "sdxl", "tiny"]).default("sd15"),
  TYPES: z.string().default("F32,F16"),
  VARIANTS: z.string().default("full,int8"),
  SIDE: z.coerce.number().int().positive().optional(),
  STEPS: z.coerce.number().int().min(2).default(5),
  FOLDER: z.string().default(path.join(tmpdir(), "loom-bench-diffusion")),
  TORCH: z.string().default("/usr/bin/python3"),
});

const resultSchema = z.object({
  versions: z.string(),
  loadMs: z.number(),
  stepMs: z.array(z.number()),
  bareMs: z.array(z.number()).default([]),
  overhead: z.number().optional(),
  peakMb: z.number(),
  anonymousMb: z.number(),
  fileMb: z.number(),
});

const settings = settingsSchema.parse(process.env);
const size: ModelSize = modelSizes[settings.SIZE];
const side = settings.SIDE ?? size.latentSide;
const run = promisify(execFile);
const inFolder = (name: string) => fileURLToPath(new URL(`./diffusion/${name}`, import.meta.url));

printMachine();
console.log(`${size.name}, ${side * 8} px, batch 1, ${settings.STEPS} steps each`);
await mkdir(settings.FOLDER, { recursive: true });
for (const type of settings.TYPES.split(",")) {
  const file = path.join(settings.FOLDER, "checkpoints", `${settings.SIZE}-${type}.safetensors`);
  if (!existsSync(file)) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeCheckpoint(file, checkpointLayout(size), type === "F16" ? "F16" : "F32");
  }
  for (const precision of settings.VARIANTS.split(",")) {
    await measure(`onnxruntime, ${type} file, ${precision}`, process.execPath, [
      ...process.execArgv,
      inFolder("measure-engine.ts"),
      JSON.stringify({ file, side, steps: settings.STEPS, precision }),
    ]);
  }
  if (settings.TORCH === "") continue;
  for (const precision of ["f32", "bf16"]) {
    await measure(`PyTorch, ${type} file, ${precision}`, settings.TORCH, [
      inFolder("torch_unet.py"),
      file,
      String(side),
      String(settings.STEPS),
      precision,
    ]);
  }
}

/** Each in a process of its own: the memory is then its own, too. */
async function measure(name: string, program: string, args: readonly string[]): Promise<void> {
  const { stdout } = await run(program, args, { maxBuffer: 2 ** 24 });
  const result = resultSchema.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
  const bare = result.bareMs.length === 0 ? "" : `, bare session ${times(result.bareMs)}`;
  const overhead =
    result.overhead === undefined
      ? ""
      : `, engine ${(result.overhead * 100).toFixed(2)} % over its runs`;
  console.log(
    `${name.padEnd(36)} step ${times(result.stepMs)}${bare}${overhead}; load ${seconds(result.loadMs)}; ` +
      `peak ${result.peakMb.toFixed(0)} MB (now ${result.anonymousMb.toFixed(0)} own, ${result.fileMb.toFixed(0)} mapped); ` +
      `load average ${loadavg()[0]?.toFixed(1)}; ${result.versions}`,
  );
}

function times(samples: readonly number[]): string {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return `median ${seconds(at(0.5))}, p95 ${seconds(at(0.95))}, least ${seconds(at(0))}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 1000 ? 3 : 2)} s`;
}
