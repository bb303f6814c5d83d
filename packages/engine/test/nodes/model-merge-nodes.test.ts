/** Merged models predict what a checkpoint of the merged weights predicts, and saved ones load again as they were. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadCheckpoint } from "../../src/models/checkpoint.ts";
import { checkpointContent } from "../../src/models/checkpoint-content.ts";
import { loadTextEncoder } from "../../src/models/load-text-encoder.ts";
import { loadLora } from "../../src/models/lora-file.ts";
import {
  type DiffusionModel,
  encodeText,
  predict,
  type TextEncoder,
} from "../../src/models/model.ts";
import { openWeights } from "../../src/models/open-weights.ts";
import { writeModelFile } from "../../src/models/save-model-file.ts";
import { coreNodes } from "../../src/nodes/core-nodes.ts";
import { createRuntime, type Runtime } from "../../src/ort/runtime.ts";
import { openEngine } from "../../src/process/open-engine.ts";
import { elementCount, type Tensor } from "../../src/tensor.ts";
import {
  checkpointBytes,
  drawn,
  type Layout,
  layoutOf,
  openFolder,
  relativeError,
} from "../support/random-checkpoint.ts";

const TOLERANCE = 1e-5;
const UNET = "model.diffusion_model.";
const sd1 = layoutOf("sd1");

/** Drawn by other names than the checkpoint's own, so that two files differ. */
function weightsOf(name: string, layout: Layout): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const [key, shape] of Object.entries(layout)) {
    const fan = Math.sqrt(elementCount(shape) / (shape[0] ?? 1));
    const isNorm = shape.length === 1 && key.endsWith("weight");
    const { data } = drawn(`${name} ${key}`, ...shape);
    weights.set(key, isNorm ? data.map((v) => 1 + v / 10) : data.map((v) => v / fan));
  }
  return weights;
}

const one = weightsOf("one", sd1);
const other = weightsOf("other", sd1);
let folder: Awaited<ReturnType<typeof openFolder>>;
let runtime: Runtime;

beforeAll(async () => {
  folder = await openFolder();
  runtime = createRuntime();
  for (const [name, weights] of [
    ["one", one],
    ["other", other],
  ] as const) {
    await folder.write(`checkpoints/${name}.safetensors`, checkpointBytes(sd1, { weights }));
  }
  const lora = {
    "lora_unet_out_2.lora_down.weight": [2, 32, 3, 3],
    "lora_unet_out_2.lora_up.weight": [4, 2, 1, 1],
    "lora_te_text_model_encoder_layers_1_mlp_fc1.diff_b": [256],
  };
  await folder.write("loras/small.safetensors", checkpointBytes(lora));
});
afterAll(async () => {
  await runtime[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function load(name: string) {
  const file = path.join(folder.folder, `checkpoints/${name}.safetensors`);
  const { model, clip } = await loadCheckpoint(runtime, { file });
  if (clip === null) throw new Error("there is no text encoder");
  return { model, clip };
}

async function loadMerged(name: string, mix: (key: string) => readonly [number, number]) {
  const weights = new Map<string, Float32Array>(
    [...one].map(([key, data]) => {
      const [first, second] = mix(key);
      const beside = other.get(key);
      return [key, data.map((value, i) => first * value + second * (beside?.[i] ?? 0))];
    }),
  );
  await folder.write(`checkpoints/${name}.safetensors`, checkpointBytes(sd1, { weights }));
  return await load(name);
}

const noise = (model: DiffusionModel): Promise<Tensor> =>
  predict(model, {
    x: drawn("x", 1, 4, 6, 4),
    timesteps: Float32Array.of(300),
    context: drawn("context", 1, 77, 64),
  });
const text = async (clip: TextEncoder) => (await encodeText(clip, "a photo of a cat")).context;

const nodes = new Map(coreNodes().map((node) => [node.name, node]));

async function run(name: string, inputs: Record<string, unknown>): Promise<readonly unknown[]> {
  const result: unknown = await Reflect.apply(nodes.get(name)?.run ?? fail, undefined, [
    inputs,
    {},
  ]);
  if (!Array.isArray(result)) throw new Error(`${name} gave no outputs`);
  return result;
}

function fail(): never {
  throw new Error("there is no such node");
}

async function merged(name: string, inputs: Record<string, unknown>): Promise<DiffusionModel> {
  const base = await load("one");
  const second = await load("other");
  const [model] = await run(name, { model1: base.model, model2: second.model, ...inputs });
  if (!isModel(model)) throw new Error(`${name} gave no model`);
  return model;
}

const isModel = (value: unknown): value is DiffusionModel =>
  typeof value === "object" && value !== null && "network" in value && "prediction" in value;
const isClip = (value: unknown): value is TextEncoder =>
  typeof value === "object" && value !== null && "network" in value && !("prediction" in value);

test.each<[string, Record<string, number>, (key: string) => readonly [number, number]]>([
  ["ModelMergeSimple", { ratio: 0.3 }, () => [0.3, 0.7]],
  ["ModelMergeAdd", {}, () => [1, 1]],
  ["ModelMergeSubtract", { multiplier: 0.5 }, () => [0.5, -0.5]],
  [
    "ModelMergeBlocks",
    { input: 0.25, middle: 0.5, out: 1 },
    (key: string) => {
      if (key.startsWith(`${UNET}middle`)) return [0.5, 0.5];
      return key.startsWith(`${UNET}out`) ? [1, 0] : [0.25, 0.75];
    },
  ],
  [
    "ModelMergeSD1",
    { "time_embed.": 0.5, "input_blocks.1.": 0.25, "output_blocks.1.": 0, "out.": 1 },
    (key: string) => {
      if (key.startsWith(`${UNET}input_blocks.1.`)) return [0.25, 0.75];
      if (key.startsWith(`${UNET}output_blocks.1.`)) return [0, 1];
      return key.startsWith(`${UNET}out.`) ? [1, 0] : [0.5, 0.5];
    },
  ],
  [
    "ModelMergeSDXL",
    { "time_embed.": 1, "input_blocks.2": 0.25, "middle_block.1": 0, "output_blocks.0": 0.5 },
    (key: string) => {
      if (key.startsWith(`${UNET}input_blocks.2`)) return [0.25, 0.75];
      if (key.startsWith(`${UNET}middle_block.1`)) return [0, 1];
      return key.startsWith(`${UNET}output_blocks.0`) ? [0.5, 0.5] : [1, 0];
    },
  ],
])("%s predicts what the merged weights do", async (name, inputs, mix) => {
  const wanted = await loadMerged(name, (key) => (key.startsWith(UNET) ? mix(key) : [1, 0]));
  const actual = await noise(await merged(name, inputs));
  expect(relativeError(actual, await noise(wanted.model))).toBeLessThan(TOLERANCE);
});

test("merges of merges are computed as one, and nothing changes the models they are made of", async () => {
  const base = await load("one");
  const before = await noise(base.model);
  const difference = await merged("ModelMergeSubtract", { multiplier: 1 });
  const [sum] = await run("ModelMergeAdd", {
    model1: difference,
    model2: (await load("other")).model,
  });
  if (!isModel(sum)) throw new Error("there is no model");
  expect(relativeError(await noise(sum), before)).toBeLessThan(TOLERANCE);
  expect(await noise(base.model)).toEqual(before);
});

test.each([
  ["CLIPMergeSimple", { ratio: 0.3 }, [0.3, 0.7]],
  ["CLIPMergeAdd", {}, [1, 1]],
  ["CLIPMergeSubtract", { multiplier: 0.5 }, [0.5, -0.5]],
] as const)("%s encodes what the merged weights do", async (name, inputs, [first, second]) => {
  const isText = (key: string) => key.startsWith("cond_stage_model.");
  const wanted = await loadMerged(name, (key) => (isText(key) ? [first, second] : [1, 0]));
  const [clip] = await run(name, {
    clip1: (await load("one")).clip,
    clip2: (await load("other")).clip,
    ...inputs,
  });
  if (!isClip(clip)) throw new Error("there is no text encoder");
  expect(relativeError(await text(clip), await text(wanted.clip))).toBeLessThan(TOLERANCE);
});

test.each([
  ["UNetSelfAttentionMultiply", "attn1"],
  ["UNetCrossAttentionMultiply", "attn2"],
])("%s scales the layers of that attention", async (name, attention) => {
  const factors = { q: 0.5, k: 2, v: 0.25, out: 1 };
  const scaled = new Map(
    [...one].map(([key, data]) => {
      const [, layer = ""] = new RegExp(`${attention}\\.to_([qkv])\\.`).exec(key) ?? [];
      const factor = Object.entries(factors).find(([part]) => part === layer)?.[1] ?? 1;
      return [key, data.map((value) => factor * value)] as const;
    }),
  );
  await folder.write(`checkpoints/${name}.safetensors`, checkpointBytes(sd1, { weights: scaled }));
  const [model] = await run(name, { model: (await load("one")).model, ...factors });
  if (!isModel(model)) throw new Error("there is no model");
  const wanted = await noise((await load(name)).model);
  expect(relativeError(await noise(model), wanted)).toBeLessThan(TOLERANCE);
});

test("models of different families are not merged", async () => {
  await folder.write("checkpoints/two.safetensors", checkpointBytes(layoutOf("sd2")));
  const second = await load("two");
  const first = await load("one");
  await expect(
    run("ModelMergeSimple", { model1: first.model, model2: second.model, ratio: 0.5 }),
  ).rejects.toThrow(
    /Stable Diffusion 1.x and Stable Diffusion 2.x are no models that can be merged/,
  );
});

const graph = {
  "1": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "one.safetensors" } },
  "2": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "other.safetensors" } },
  "3": {
    class_type: "LoraLoader",
    inputs: {
      model: ["1", 0],
      clip: ["1", 1],
      lora_name: "small.safetensors",
      strength_model: 0.5,
      strength_clip: 1,
    },
  },
  "4": {
    class_type: "ModelMergeSimple",
    inputs: { model1: ["3", 0], model2: ["2", 0], ratio: 0.5 },
  },
  "5": {
    class_type: "CheckpointSave",
    inputs: { model: ["4", 0], clip: ["3", 1], vae: ["1", 2], filename_prefix: "checkpoints/mix" },
  },
  "6": { class_type: "CLIPSave", inputs: { clip: ["3", 1], filename_prefix: "text/mix" } },
};

test("a saved checkpoint loads as what was saved, LoRA and merge worked in, and carries the workflow", async () => {
  const output = path.join(folder.folder, "output");
  const input = path.join(folder.folder, "input");
  await using engine = await openEngine({ inline: true, models: folder.folder, input, output });
  const outcome = await engine.run({ jobId: "save", prompt: graph });
  expect(outcome).toMatchObject({ state: "succeeded" });
  expect(await readdir(path.join(output, "checkpoints"))).toEqual(["mix_00001_.safetensors"]);

  const file = path.join(output, "checkpoints/mix_00001_.safetensors");
  const saved = await loadCheckpoint(runtime, { file });
  const lora = await loadLora(path.join(folder.folder, "loras/small.safetensors"));
  const base = await load("one");
  const [mix] = await run("ModelMergeSimple", {
    model1: { ...base.model, loras: [{ lora, strength: 0.5 }] },
    model2: (await load("other")).model,
    ratio: 0.5,
  });
  if (!isModel(mix) || saved.clip === null) throw new Error("a part is missing");
  expect(relativeError(await noise(saved.model), await noise(mix))).toBeLessThan(TOLERANCE);
  const worded = await text({ ...base.clip, loras: [{ lora, strength: 1 }] });
  expect(relativeError(await text(saved.clip), worded)).toBeLessThan(TOLERANCE);
  expect(saved.vae?.weights?.tensors.size).toBeGreaterThan(0);
  const { metadata } = await openWeights(file);
  expect(JSON.parse(metadata.get("prompt") ?? "")).toMatchObject({
    "5": { class_type: "CheckpointSave" },
  });
  expect(metadata.get("modelspec.predict_key")).toBe("epsilon");

  const textFile = path.join(output, "text/mix_clip_l_00001_.safetensors");
  const alone = await loadTextEncoder(runtime, { files: [textFile] });
  expect(relativeError(await text(alone), worded)).toBeLessThan(TOLERANCE);
});

test("a text encoder under OpenCLIP's names is saved under them and loads as it was", async () => {
  await folder.write("checkpoints/open.safetensors", checkpointBytes(layoutOf("sd2")));
  const { model, clip } = await load("open");
  const file = path.join(folder.folder, "checkpoints/again.safetensors");
  await writeModelFile(file, checkpointContent({ model, clip }), new AbortController().signal);
  const again = await load("again");
  expect(await text(again.clip)).toEqual(await text(clip));
  expect([...(await openWeights(file)).tensors.keys()].sort()).toEqual(
    Object.keys(layoutOf("sd2")).sort(),
  );
});
