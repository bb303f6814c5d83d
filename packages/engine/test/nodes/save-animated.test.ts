import { readFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tensor } from "../../src/tensor.ts";
import { pngChunks } from "../support/png-text.ts";
import { openWorkbench, type Workbench } from "./evaluate.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench[Symbol.asyncDispose]());

const file = (name: string) => path.join(bench.files.folder("output"), name);
const three = tensor(
  [3, 4, 5, 3],
  Float32Array.from({ length: 180 }, (_, i) => ((i * 37) % 256) / 255),
);
const bytes = Buffer.from(Array.from({ length: 180 }, (_, i) => (i * 37) % 256));
const graph = {
  prompt: { "1": { class_type: "A", inputs: { text: "x".repeat(20_000) } } },
  extra_pnginfo: { workflow: { nodes: [] }, other: 1 },
};

test("SaveAnimatedWEBP keeps every frame, the time of each and the prompt", async () => {
  const inputs = { images: three, filename_prefix: "anim", fps: 8, lossless: true, quality: 80 };
  const saved = await bench.call("SaveAnimatedWEBP", { ...inputs, method: "default", ...graph });
  expect(saved).toEqual({
    ui: {
      images: [{ filename: "anim_00001_.webp", subfolder: "", type: "output" }],
      animated: [true],
    },
  });
  const picture = sharp(file("anim_00001_.webp"), { pages: -1 });
  const { pages, delay, loop, exif } = await picture.metadata();
  expect({ pages, delay, loop }).toEqual({ pages: 3, delay: [125, 125, 125], loop: 0 });
  expect((await picture.raw().toBuffer()).equals(bytes)).toBe(true);
  const text = exif?.toString("latin1") ?? "";
  expect(text).toContain(
    `prompt:{"1": {"class_type": "A", "inputs": {"text": "${"x".repeat(20_000)}"}}}`,
  );
  expect(text).toContain('workflow:{"nodes": []}');
  expect(text).toContain("other:1");
});

test("a single frame becomes a still WebP", async () => {
  const one = tensor([1, 4, 5, 3], three.data.slice(0, 60));
  const inputs = { images: one, filename_prefix: "still", fps: 8, lossless: false, quality: 50 };
  expect(await bench.call("SaveAnimatedWEBP", { ...inputs, method: "fastest" })).toMatchObject({
    ui: { animated: [false] },
  });
  expect((await sharp(file("still_00001_.webp")).metadata()).pages).toBeUndefined();
});

test("SaveAnimatedPNG writes one frame a picture and the prompt behind the pixels", async () => {
  const inputs = { images: three, filename_prefix: "anim", fps: 4, compress_level: 4, ...graph };
  expect(await bench.call("SaveAnimatedPNG", inputs)).toMatchObject({ ui: { animated: [true] } });
  const chunks = pngChunks(await readFile(file("anim_00001_.png")));
  expect(chunks.map(({ type }) => type)).toEqual([
    "IHDR",
    "acTL",
    "fcTL",
    "IDAT",
    "fcTL",
    "fdAT",
    "fcTL",
    "fdAT",
    "comf",
    "comf",
    "comf",
    "IEND",
  ]);
  expect(chunks[1]?.data.readUInt32BE(0)).toBe(3);
  const controls = chunks.filter(({ type }) => type === "fcTL");
  const sequence = chunks
    .filter(({ type }) => type === "fcTL" || type === "fdAT")
    .map(({ data }) => data.readUInt32BE(0));
  expect(sequence).toEqual([0, 1, 2, 3, 4]);
  expect(controls.map(({ data }) => data.readUInt16BE(20) / data.readUInt16BE(22))).toEqual([
    0.25, 0.25, 0.25,
  ]);
  expect(chunks[8]?.data.toString("latin1").startsWith('prompt\0{"1": ')).toBe(true);
  const still = await sharp(file("anim_00001_.png")).raw().toBuffer();
  expect(still.equals(bytes.subarray(0, 60))).toBe(true);
});
