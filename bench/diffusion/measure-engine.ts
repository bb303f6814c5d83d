/** One sampling in a process of its own; the last line it prints is the result as JSON. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Feeds,
  type Network,
  openInlineEngine,
  type Runtime,
} from "@rabbitloom/engine/internal";
import * as z from "zod";

const { file, side, steps, precision } = z
  .object({
    file: z.string(),
    side: z.int(),
    steps: z.int(),
    precision: z.enum(["full", "int8"]),
  })
  .parse(JSON.parse(process.argv[2] ?? ""));

interface UnetRun {
  readonly network: Network;
  readonly feeds: Feeds;
  readonly startMs: number;
  readonly endMs: number;
}

const runs: UnetRun[] = [];
let inner: Runtime | undefined;

/** Notes when the UNet's runs begin and end. */
function watched(runtime: Runtime): Runtime {
  inner = runtime;
  const run: Runtime["run"] = async (network, feeds) => {
    const startMs = performance.now();
    const outputs = await runtime.run(network, feeds);
    if (network.name.includes("UNet")) {
      runs.push({ network, feeds, startMs, endMs: performance.now() });
    }
    return outputs;
  };
  return { ...runtime, run };
}

const work = await mkdtemp(path.join(tmpdir(), "loom-diffusion-"));
try {
  // Weights in 8 bits are kept beside the checkpoint: the second run shows what it takes to load them.
  const temp = path.join(path.dirname(file), "..", "temp");
  await using engine = await openInlineEngine(
    {
      input: path.join(work, "input"),
      output: path.join(work, "output"),
      temp,
      models: path.join(path.dirname(file), ".."),
      precision,
    },
    watched,
  );
  const outcome = await engine.run({ jobId: "bench", prompt: prompt() });
  if (outcome.state !== "succeeded") throw new Error(outcome.error?.message);
  const memory = memoryNow();
  const [first] = runs;
  const later = runs.slice(1);
  const last = later.at(-1);
  if (first === undefined || last === undefined || inner === undefined) throw new Error("no steps");
  const stepMs = later.map(({ startMs, endMs }) => endMs - startMs);
  const inRunsMs = stepMs.reduce((sum, ms) => sum + ms, 0);
  const wallMs = last.endMs - first.endMs;
  const bareMs: number[] = [];
  for (let index = 0; index < steps; index++) {
    const start = performance.now();
    await inner.run(last.network, last.feeds);
    bareMs.push(performance.now() - start);
  }
  const median = [...stepMs].sort((a, b) => a - b)[Math.floor(stepMs.length / 2)] ?? 0;
  console.log(
    JSON.stringify({
      versions: `onnxruntime-node ${versionOf("onnxruntime-node")}`,
      loadMs: first.endMs - first.startMs - median,
      stepMs,
      bareMs,
      overhead: wallMs / inRunsMs - 1,
      ...memory,
    }),
  );
} finally {
  await rm(work, { recursive: true, force: true });
}

/** One network call a step, and one more: the first loads the network. */
function prompt() {
  const node = (class_type: string, inputs: Record<string, unknown>) => ({ class_type, inputs });
  return {
    model: node("CheckpointLoaderSimple", { ckpt_name: path.basename(file) }),
    text: node("CLIPTextEncode", { text: "a photo of a cat", clip: ["model", 1] }),
    empty: node("EmptyLatentImage", { width: side * 8, height: side * 8, batch_size: 1 }),
    sampler: node("KSampler", {
      model: ["model", 0],
      positive: ["text", 0],
      negative: ["text", 0],
      latent_image: ["empty", 0],
      seed: 1,
      steps: steps + 1,
      cfg: 1,
      sampler_name: "euler",
      scheduler: "normal",
      denoise: 1,
    }),
    end: node("SaveLatent", { samples: ["sampler", 0], filename_prefix: "bench" }),
  };
}

function memoryNow() {
  const status = readFileSync("/proc/self/status", "utf8");
  const megabytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) / 1000;
  return {
    peakMb: megabytes("VmHWM"),
    anonymousMb: megabytes("RssAnon"),
    fileMb: megabytes("RssFile"),
  };
}

function versionOf(name: string): string {
  const engine = fileURLToPath(import.meta.resolve("@rabbitloom/engine"));
  const { version } = z
    .object({ version: z.string() })
    .parse(createRequire(engine)(`${name}/package.json`));
  return version;
}
