/** Files that are put where others belong, or are damaged: each fails its node with the reason, and the engine goes on. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Prompt } from "@rabbitloom/protocol";
import sharp from "sharp";
import { afterAll, beforeAll, test } from "vitest";
import { type FailingJobs, GOOD, goodBytes, openFailingJobs } from "../support/failing-jobs.ts";
import {
  checkpointBytes,
  type Layout,
  layoutOf,
  readReference,
} from "../support/random-checkpoint.ts";
import { promptOf, type ShortGraph } from "../support/run-graph.ts";
import { pickle, storedZip, text, torchBytes } from "../support/torch-bytes.ts";
import { txt2img } from "../support/txt2img.ts";

const sd1 = layoutOf("sd1");
const UNET = "model.diffusion_model.";

let jobs: FailingJobs;
beforeAll(async () => {
  jobs = await openFailingJobs();
});
afterAll(() => jobs[Symbol.asyncDispose]());

function only(layout: Layout, start: string): Layout {
  return Object.fromEntries(Object.entries(layout).filter(([key]) => key.startsWith(start)));
}

function without(part: string): Layout {
  return Object.fromEntries(Object.entries(sd1).filter(([key]) => !key.includes(part)));
}

interface TensorHeader {
  dtype: string;
  data_offsets: [start: number, end: number];
}

/** The good file with a header that says something else of one tensor, or of its own length. */
function withHeader(key: string, change: (tensor: TensorHeader) => void, claimed?: bigint) {
  const length = Number(goodBytes.readBigUInt64LE(0));
  const header: Record<string, TensorHeader> = JSON.parse(
    goodBytes.toString("utf8", 8, 8 + length),
  );
  const tensor = header[key];
  if (tensor === undefined) throw new Error(`there is no tensor ${key}`);
  change(tensor);
  const changed = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(claimed ?? BigInt(changed.length));
  return Buffer.concat([start, changed, goodBytes.subarray(8 + length)]);
}

const moveBy = (bytes: number) => (tensor: TensorHeader) => {
  const [start, end] = tensor.data_offsets;
  tensor.data_offsets = [start + bytes, end + bytes];
};

const FIRST = `${UNET}time_embed.0.weight`;
const SECOND = `${UNET}time_embed.2.weight`;

const fixture = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../fixtures/models/${name}`, import.meta.url)));

const loraOf = (layer: string, inputs: number, outputs: number): Layout => ({
  [`${layer}.lora_down.weight`]: [4, inputs],
  [`${layer}.lora_up.weight`]: [outputs, 4],
});

test.each<[what: string, bytes: () => Uint8Array | Promise<Uint8Array>, message: RegExp]>([
  ["an empty file", () => Buffer.alloc(0), /"bad.safetensors": .*only 0 bytes/],
  ["a text", () => Buffer.from("not a model"), /it is a text, which begins with "not a model"/],
  ["a web page", () => Buffer.from("\n<!DOCTYPE html><html>404"), /it is a web page/],
  [
    "a pointer of Git LFS",
    () =>
      Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 4265146304\n"),
    /pointer of Git LFS: the model itself has not been fetched/,
  ],
  [
    "a picture",
    async () => {
      const create = { width: 2, height: 2, channels: 3, background: "red" } as const;
      return await sharp({ create }).png().toBuffer();
    },
    /it is a PNG picture/,
  ],
  ["a GGUF", () => Buffer.from("GGUF\x03\0\0\0\0\0\0\0"), /a GGUF file, which is not supported/],
  [
    "a ZIP without a model",
    () => storedZip([{ name: "readme.txt", bytes: Buffer.from("hello") }]),
    /it is a ZIP file, but none of PyTorch/,
  ],
  [
    "a pickle without tensors",
    () => storedZip([{ name: "a/data.pkl", bytes: pickle([text("hello")]) }]),
    /the UNet of a diffusion model is not in it; it holds no tensors/,
  ],
  ["an old pickle", () => fixture("legacy.pt"), /bare pickle.*save it again in the zip form/],
  [
    "a pickle that runs code",
    () => fixture("evil.pt"),
    /names posix.system, which no tensor needs/,
  ],
  [
    "a LoRA",
    () => checkpointBytes(loraOf("lora_unet_a", 8, 8)),
    /look like a LoRA: .*loras folder/,
  ],
  [
    "a VAE",
    () => checkpointBytes(only(sd1, "first_stage_model.")),
    /look like a VAE: .*vae folder/,
  ],
  [
    "a text encoder",
    () => checkpointBytes({ "text_model.encoder.layers.0.mlp.fc1.bias": [4] }),
    /look like a text encoder: .*text_encoders folder/,
  ],
  [
    "an embedding",
    () => torchBytes({ "*": [1, 8] }, { wrapping: "string_to_param" }),
    /look like a textual inversion embedding: .*embeddings folder/,
  ],
  [
    "a ControlNet",
    () => checkpointBytes(readReference("control.json").layoutOf("control-sd1")),
    /look like a ControlNet: .*controlnet folder/,
  ],
  [
    "a UNet of widths that no family has",
    () => checkpointBytes(layoutOf("sdxl"), { type: "F16" }),
    /context of width 192 and a vector of width 1632; the widths known are .*XL \(2048 and 2816\)/,
  ],
  [
    "a UNet without one of its tensors",
    () => checkpointBytes(without("middle_block.1.proj_out.weight")),
    /lacks the tensor "model.diffusion_model.middle_block.1.proj_out.weight"/,
  ],
  [
    "a VAE without one of its tensors",
    () => checkpointBytes(without("decoder.mid.attn_1.k.weight")),
    /lacks the tensor "first_stage_model.decoder.mid.attn_1.k.weight"/,
  ],
  [
    "a text encoder without one of its tensors",
    () => checkpointBytes(without("layers.1.mlp.fc2.bias")),
    /lacks the tensor "cond_stage_model.*layers.1.mlp.fc2.bias"/,
  ],
  [
    "a file that is cut off",
    () => goodBytes.subarray(0, -1000),
    /ends at byte \d+, .*it is cut off/,
  ],
  [
    "tensors beyond the file's end",
    () => withHeader(FIRST, moveBy(1e9)),
    /time_embed.0.weight" ends at byte \d+, but the file has \d+/,
  ],
  [
    "a tensor of another length than its shape has",
    () =>
      withHeader(FIRST, (tensor) => {
        tensor.data_offsets[1] -= 4;
      }),
    /time_embed.0.weight" has \d+ bytes, but F32 \[128, 32\] takes \d+/,
  ],
  [
    "tensors in the same bytes",
    () => withHeader(SECOND, moveBy(-64)),
    /tensors ".*" and ".*time_embed.2.weight" lie in the same bytes/,
  ],
  [
    "a header of absurd length",
    () => withHeader(FIRST, () => {}, 2n ** 50n),
    /header claims 1125899906842624 bytes/,
  ],
  [
    "a type that nobody knows",
    () =>
      withHeader(FIRST, (tensor) => {
        tensor.dtype = "Q4_K";
      }),
    /time_embed.0.weight" is of type Q4_K, which is not known/,
  ],
])("%s in the place of a checkpoint is told by its loader", async (_what, bytes, message) => {
  await jobs.write("checkpoints/bad.safetensors", await bytes());
  await jobs.expectFailure(txt2img("bad.safetensors"), { node: "model", message });
});

test.each([
  ["UNet", `${UNET}out.2.bias`, "sampler", /the UNet of "nan.safetensors" put out NaN/],
  [
    "VAE",
    "first_stage_model.decoder.conv_out.bias",
    "picture",
    /the VAE decoder of .* put out NaN/,
  ],
  [
    "text encoder",
    "cond_stage_model.transformer.text_model.final_layer_norm.bias",
    "prompt",
    /the text encoder of .* put out NaN/,
  ],
])(
  "a %s whose weights are not numbers fails in place of a black picture",
  async (_what, key, node, message) => {
    const weights = new Map([[key, new Float32Array(sd1[key]?.[0] ?? 0).fill(Number.NaN)]]);
    await jobs.write("checkpoints/nan.safetensors", checkpointBytes(sd1, { weights }));
    await jobs.expectFailure(txt2img("nan.safetensors"), { node, message });
  },
);

/** The good prompt with other nodes, or with nodes in place of its own. */
function changed(nodes: ShortGraph): Prompt {
  return { ...txt2img(GOOD), ...promptOf(nodes) };
}

const applied = (class_type: string, name: string, file: string): ShortGraph => ({
  loader: [class_type, { [name]: file }],
  end: ["PreviewAny", { source: ["loader", 0] }],
});

test.each<[string, string, ShortGraph, RegExp]>([
  ["vae", "VAE", applied("VAELoader", "vae_name", "bad.safetensors"), /a VAE is not in it/],
  [
    "text_encoders",
    "text encoder",
    {
      loader: ["CLIPLoader", { clip_name: "bad.safetensors", type: "stable_diffusion" }],
      end: ["PreviewAny", { source: ["loader", 0] }],
    },
    /text encoder.* is not in it/,
  ],
  [
    "controlnet",
    "ControlNet",
    applied("ControlNetLoader", "control_net_name", "bad.safetensors"),
    /a ControlNet or a T2I adapter is not in it/,
  ],
  [
    "upscale_models",
    "upscale model",
    applied("UpscaleModelLoader", "model_name", "bad.safetensors"),
    /an upscale model of the ESRGAN family is not in it/,
  ],
  [
    "gligen",
    "GLIGEN",
    applied("GLIGENLoader", "gligen_name", "bad.safetensors"),
    /a GLIGEN is not in it/,
  ],
  [
    "clip_vision",
    "vision tower",
    applied("CLIPVisionLoader", "clip_name", "bad.safetensors"),
    /a CLIP vision tower is not in it/,
  ],
  [
    "style_models",
    "style model",
    applied("StyleModelLoader", "style_model_name", "bad.safetensors"),
    /a style model is not in it/,
  ],
  [
    "loras",
    "LoRA",
    {
      loader: [
        "LoraLoaderModelOnly",
        { model: ["model", 0], lora_name: "bad.safetensors", strength_model: 1 },
      ],
      end: ["PreviewAny", { source: ["loader", 0] }],
    },
    /a LoRA is not in it/,
  ],
  [
    "hypernetworks",
    "hypernetwork",
    {
      loader: [
        "HypernetworkLoader",
        { model: ["model", 0], hypernetwork_name: "bad.safetensors", strength: 1 },
      ],
      end: ["PreviewAny", { source: ["loader", 0] }],
    },
    /a hypernetwork is not in it/,
  ],
])(
  "in %s, a UNet in the place of a %s is told by its loader",
  async (place, _what, nodes, message) => {
    await jobs.write(`${place}/bad.safetensors`, checkpointBytes(only(sd1, UNET)));
    const asWhat = new RegExp(`${message.source}.*look like a checkpoint: .*checkpoints folder`);
    await jobs.expectFailure(changed(nodes), { node: "loader", message: asWhat });
  },
);
