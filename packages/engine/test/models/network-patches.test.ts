/**
 * Small random networks that see pictures, or change what a UNet does, against PyTorch: the largest difference is at most 1e-5
 * of the largest value. ../fixtures/models/make-patches.py made the numbers.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadCheckpoint } from "../../src/models/checkpoint.ts";
import { loadControlNet } from "../../src/models/control-net-file.ts";
import { loadGligen } from "../../src/models/gligen-file.ts";
import { loadHypernetwork } from "../../src/models/hypernetwork.ts";
import { channelsLast } from "../../src/models/layout.ts";
import { predict } from "../../src/models/model.ts";
import { loadStyleModel } from "../../src/models/style-model.ts";
import { loadVisionEncoder } from "../../src/models/vision-encoder.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import type { Tensor } from "../../src/tensor.ts";
import {
  type CheckpointOptions,
  checkpointBytes,
  drawn,
  type Layout,
  layoutOf,
  openFolder,
  readReference,
  relativeError,
} from "../support/random-checkpoint.ts";
import { toyModel } from "../support/toy-model.ts";

const TOLERANCE = 1e-5;
const patches = readReference("patches.json");
const UNET = "model.diffusion_model.";
const picture = channelsLast(drawn("hint", 1, 3, 48, 80), (value) => (value + 1) / 2);
const inputs = {
  x: drawn("x", 1, 4, 6, 10),
  timesteps: Float32Array.of(500),
  context: drawn("context", 1, 77, 64),
};

async function open(layout: Layout, options: CheckpointOptions = {}) {
  const folder = await openFolder();
  const runtime = createRuntime();
  return {
    runtime,
    file: await folder.write("part.safetensors", checkpointBytes(layout, options)),
    async model() {
      const unet = Object.entries(layoutOf("sd1")).filter(([key]) => key.startsWith(UNET));
      const bytes = checkpointBytes(Object.fromEntries(unet));
      const file = await folder.write("model.safetensors", bytes);
      return (await loadCheckpoint(runtime, { file })).model;
    },
    write: folder.write,
    async [Symbol.asyncDispose]() {
      await runtime[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function expectClose(actual: Tensor | undefined, family: string, output: string): void {
  if (actual === undefined) throw new Error(`there is no ${output}`);
  expect(relativeError(actual, patches.expected(family, output)), output).toBeLessThan(TOLERANCE);
}

/** A UNet that has so many channels behind its input blocks. */
function unetWith(skipChannels: readonly number[]) {
  const model = toyModel();
  return { ...model, network: { ...model.network, skipChannels } };
}

const narrow = [8, 8, 8, 8, 16, 16, 16, 32, 32, 32, 32, 32];
const wide = [8, 8, 8, 8, 16, 16, 16, 32, 32];

test.each([
  ["adapter", narrow, { height: 6, width: 10 }],
  ["adapter-wide", wide, { height: 6, width: 10 }],
])("the T2I adapter %s makes the maps that PyTorch makes", async (name, channels, size) => {
  await using opened = await open(patches.layoutOf(name));
  const net = await loadControlNet(opened.runtime, opened);
  const maps = await net
    .attach(unetWith(channels), { image: picture, batch: 1, ...size })
    .run(inputs, 1);
  const places = name === "adapter" ? [2, 5, 8, 11] : [3, 5, 8];
  expect([...maps.behind.keys()]).toEqual(places);
  places.forEach((block, level) => {
    expectClose(maps.behind.get(block), name, `level_${level}`);
  });
  if (name === "adapter-wide") expectClose(maps.middle, name, "level_3");
});

test("a light T2I adapter sees grey, and halves odd sides as PyTorch does", async () => {
  await using opened = await open(patches.layoutOf("adapter-light"));
  const net = await loadControlNet(opened.runtime, opened);
  const cut = channelsLast(
    cropped(drawn("hint", 1, 3, 48, 80), 40, 56),
    (value) => (value + 1) / 2,
  );
  const attached = net.attach(unetWith(narrow), { image: cut, batch: 1, height: 5, width: 7 });
  const maps = await attached.run(inputs, 1);
  [2, 5, 8, 11].forEach((block, level) => {
    expectClose(maps.behind.get(block), "adapter-light", `level_${level}`);
  });
  expect(await attached.run(inputs, 1)).toBe(maps);
});

/** The first rows and columns. t: [1,3,H,W] */
function cropped({ shape, data }: Tensor, height: number, width: number): Tensor {
  const [, channels = 0, rows = 0, columns = 0] = shape;
  const kept = data.filter(
    (_, i) => i % columns < width && Math.floor(i / columns) % rows < height,
  );
  return { shape: [1, channels, height, width], data: kept };
}

test("a T2I adapter is refused for a UNet of other widths, with both", async () => {
  await using opened = await open(patches.layoutOf("adapter"));
  const net = await loadControlNet(opened.runtime, opened);
  const attach = () =>
    net.attach(unetWith(wide), { image: picture, batch: 1, height: 6, width: 10 });
  expect(attach).toThrow(/"part.safetensors": this T2I adapter is for another model: .*8 at 2/);
});

test("what is added behind a UNet's blocks goes on and over", async () => {
  await using opened = await open({});
  const behind = new Map([
    [1, drawn("behind 1", 1, 32, 6, 10)],
    [3, drawn("behind 3", 1, 64, 3, 5)],
  ]);
  const control = { skips: new Map(), behind };
  const out = await predict(await opened.model(), { ...inputs, control });
  expectClose(out, "behind", "unet");
});

const vision = { "rabbitloom.vision_tower": "OpenCLIP H", "rabbitloom.vision_heads": "4" };

test.each(["center", "none"] as const)(
  "a vision tower of OpenCLIP sees a picture, crop %s, as PyTorch does",
  async (crop) => {
    await using opened = await open(patches.layoutOf("vision"), { metadata: vision });
    const encoder = await loadVisionEncoder(opened.runtime, opened.file);
    const seen = await encoder.encode(picture, crop);
    const name = crop === "center" ? "vision" : "vision-none";
    expectClose(seen.last, name, "last");
    expectClose(seen.penultimate, name, "penultimate");
    expectClose(seen.embedding, name, "embedding");
  },
);

test("a vision tower of unknown depth, and a file without one, are refused", async () => {
  await using opened = await open(patches.layoutOf("vision"));
  await expect(loadVisionEncoder(opened.runtime, opened.file)).rejects.toThrow(
    /has 3 layers; those known are OpenCLIP bigG \(48\)/,
  );
  await using other = await open({ "decoder.conv_in.weight": [8, 4, 3, 3] });
  await expect(loadVisionEncoder(other.runtime, other.file)).rejects.toMatchObject({
    code: "MODEL_INVALID",
    message: expect.stringContaining("look like a VAE"),
  });
});

test("a style model makes the tokens that PyTorch makes, of states of its width", async () => {
  await using opened = await open(patches.layoutOf("style"));
  const style = await loadStyleModel(opened.runtime, opened.file);
  const last = drawn("states", 1, 17, 64);
  const seen = { last, penultimate: last, embedding: last };
  expectClose(await style.tokens(seen), "style", "tokens");
  const other = { ...seen, last: drawn("states", 1, 17, 32) };
  await expect(style.tokens(other)).rejects.toThrow(/width 64, the CLIP vision tower makes 32/);
});

test("a UNet with GLIGEN attends to a box's text as PyTorch does", async () => {
  const layout = patches.layoutOf("gligen");
  const alphas = Object.keys(layout).filter((key) => key.includes("alpha"));
  const weights = new Map(alphas.map((key) => [key, drawn(key, 1).data]));
  await using opened = await open(layout, { weights });
  const gligen = await loadGligen(opened.runtime, opened.file);
  const box = { embedding: drawn("text", 1, 64), x: 1, y: 5, width: 3, height: 5 };
  const objects = await gligen.place([box], { width: 10, height: 10 });
  expectClose(objects.tokens, "gligen", "objects");
  expectClose(await predict(await opened.model(), { ...inputs, objects }), "gligen", "unet");
  const many = Array.from({ length: 31 }, () => box);
  await expect(gligen.place(many, { width: 10, height: 10 })).rejects.toThrow(/30 .*got 31/);
});

const hyperFile = fileURLToPath(new URL("../fixtures/models/hypernetwork.pt", import.meta.url));

test("a hypernetwork changes what attention reads as PyTorch does, and not at strength 0", async () => {
  await using opened = await open({});
  const model = await opened.model();
  const hypernetwork = await loadHypernetwork(hyperFile);
  const at = (strength: number) =>
    predict({ ...model, hypernetworks: [{ hypernetwork, strength }] }, inputs);
  expectClose(await at(0.6), "hypernetwork", "unet");
  expect(await at(0)).toEqual(await predict(model, inputs));
});

test("a file that is no hypernetwork is refused by what it holds", async () => {
  await using opened = await open({ "lora_unet_a.lora_down.weight": [4, 8] });
  await expect(loadHypernetwork(opened.file)).rejects.toThrow(
    /a hypernetwork is not in it; .*a LoRA/,
  );
  const cut = await opened.write("cut.pt", (await readFile(hyperFile)).subarray(0, 5000));
  await expect(loadHypernetwork(cut)).rejects.toMatchObject({ code: "MODEL_INVALID" });
});
