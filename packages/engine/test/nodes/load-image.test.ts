import { writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { floatsToBytes } from "../../src/image/bytes.ts";
import { coreNodes } from "../../src/nodes/core-nodes.ts";
import { loadImage } from "../../src/nodes/image/load-image.ts";
import { isTensor } from "../support/tensors.ts";
import { openWorkbench, outputAt, type Workbench } from "./evaluate.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench([...coreNodes(), { ...loadImage(1000), name: "LoadSmallImage" }]);
});
afterEach(() => bench[Symbol.asyncDispose]());

/** Eight bytes a channel, so that each pixel differs. */
const RGB = Buffer.from(Array.from({ length: 2 * 3 * 3 }, (_, i) => i * 14));
const picture = () => sharp(RGB, { raw: { width: 3, height: 2, channels: 3 } });

async function put(name: string, bytes: Uint8Array, folder: "input" | "output" = "input") {
  await writeFile(path.join(bench.files.folder(folder), name), bytes);
}

async function load(image: string, node = "LoadImage") {
  const outputs = await bench.call(node, { image });
  const [loaded, mask] = [outputAt(outputs, 0), outputAt(outputs, 1)];
  if (!isTensor(loaded) || !isTensor(mask)) throw new Error("LoadImage returns two tensors");
  return {
    shape: loaded.shape,
    bytes: [...floatsToBytes(loaded.data)],
    maskShape: mask.shape,
    mask: [...mask.data],
  };
}

test("a picture without alpha has a mask of 64x64 zeros", async () => {
  await put("a.png", await picture().png().toBuffer());
  const loaded = await load("a.png");
  expect(loaded.shape).toEqual([1, 2, 3, 3]);
  expect(loaded.bytes).toEqual([...RGB]);
  expect(loaded.maskShape).toEqual([1, 64, 64]);
  expect(loaded.mask.every((value) => value === 0)).toBe(true);
});

test("the mask is what alpha leaves out, and colours under it stay", async () => {
  const rgba = Buffer.from([10, 20, 30, 255, 40, 50, 60, 0, 70, 80, 90, 51]);
  await put(
    "a.png",
    await sharp(rgba, { raw: { width: 3, height: 1, channels: 4 } })
      .png()
      .toBuffer(),
  );
  const loaded = await load("a.png");
  expect(loaded.bytes).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90]);
  expect(loaded.maskShape).toEqual([1, 1, 3]);
  expect(loaded.mask).toEqual([0, 1, Math.fround(0.8)]);
});

test("EXIF orientation turns the picture upright", async () => {
  await put("a.png", await picture().withMetadata({ orientation: 6 }).png().toBuffer());
  expect((await load("a.png")).shape).toEqual([1, 3, 2, 3]);
});

test("grey, palette and 16-bit pictures become RGB", async () => {
  const grey = Buffer.from([0, 100, 200]);
  const greyPicture = sharp(grey, { raw: { width: 3, height: 1, channels: 1 } });
  await put("grey.png", await greyPicture.clone().toColourspace("b-w").png().toBuffer());
  expect((await load("grey.png")).bytes).toEqual([0, 0, 0, 100, 100, 100, 200, 200, 200]);

  await put("palette.png", await picture().png({ palette: true, colours: 16 }).toBuffer());
  expect((await load("palette.png")).bytes).toEqual([...RGB]);

  const deep = Uint16Array.from([0, 0x8000, 0xffff, 0x1234, 0x12ff, 0x0100]);
  const sixteen = sharp(deep, { raw: { width: 2, height: 1, channels: 3 } });
  await put("deep.png", await sixteen.toColourspace("rgb16").png().toBuffer());
  expect((await load("deep.png")).bytes).toEqual([0, 0x80, 0xff, 0x12, 0x12, 0x01]);
});

test("the frames of an animation become a batch", async () => {
  const frames = Buffer.concat([RGB, RGB.map((byte) => 255 - byte)]);
  const animation = sharp(frames, { raw: { width: 3, height: 4, channels: 3, pageHeight: 2 } });
  await put("a.webp", await animation.webp({ lossless: true }).toBuffer());
  const loaded = await load("a.webp");
  expect(loaded.shape).toEqual([2, 2, 3, 3]);
  expect(loaded.bytes).toEqual([...frames]);
  expect(loaded.maskShape).toEqual([2, 64, 64]);
});

test("JPEG colour profiles are ignored and values kept within the codec's error", async () => {
  const flat = sharp({ create: { width: 16, height: 16, channels: 3, background: "#336699" } });
  await put("a.jpg", await flat.withIccProfile("p3").jpeg({ quality: 100 }).toBuffer());
  expect((await load("a.jpg")).bytes.length).toBe(16 * 16 * 3);
});

test("a name may say the folder", async () => {
  await put("a.png", await picture().png().toBuffer(), "output");
  expect((await load("a.png [output]")).shape).toEqual([1, 2, 3, 3]);
  expect((await load("a.png [output]", "LoadImageOutput")).shape).toEqual([1, 2, 3, 3]);
});

test("a missing file is a validation error that names it", async () => {
  const node = coreNodes().find(({ name }) => name === "LoadImage");
  const { nodeId, signal, files, models } = bench.context();
  const context = { nodeId, signal, files, models, inputTypes: {} };
  const check = (image: string) => node?.validate?.check({ image }, context);
  expect(await check("no.png")).toBe("Invalid image file: no.png (no such file)");
  expect(await check("../a.png")).toMatch(/^Invalid image file: \.\.\/a\.png/);
  await put("a.png", await picture().png().toBuffer());
  expect(await check("a.png")).toBe(true);
});

test("a file that is no picture is told so", async () => {
  await put("a.png", Buffer.from("hello"));
  await expect(load("a.png")).rejects.toThrow(/a\.png is not an image that can be read/);
  await expect(load("a.png")).rejects.toMatchObject({ code: "IMAGE_UNREADABLE" });
});

test("a cut-off file is told so", async () => {
  const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 256));
  const png = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    .png()
    .toBuffer();
  await put("a.png", png.subarray(0, png.length / 2));
  await expect(load("a.png")).rejects.toThrow(/a\.png cannot be decoded/);
});

test("a picture of too many pixels is refused before it is decoded", async () => {
  const bomb = sharp({ create: { width: 9000, height: 7000, channels: 3, background: "red" } });
  await put("bomb.png", await bomb.png().toBuffer());
  await expect(load("bomb.png")).rejects.toThrow(
    /bomb\.png is too large: 9000x7000 is 63,000,000 pixels, the limit \(maxInputPixels\) is 50,000,000/,
  );
  await expect(load("bomb.png")).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
  await put("a.png", await picture().resize(40, 40).png().toBuffer());
  await expect(load("a.png", "LoadSmallImage")).rejects.toThrow(
    /40x40 is 1,600 pixels, the limit \(maxInputPixels\) is 1,000/,
  );
});

test("the same bytes under the same name need not run again, others do", async () => {
  const node = coreNodes().find(({ name }) => name === "LoadImage");
  const digest = () => node?.isChanged?.({ image: "a.png" }, bench.context());
  await put("a.png", Buffer.from("one"));
  const first = await digest();
  await put("a.png", Buffer.from("one"));
  expect(await digest()).toBe(first);
  await put("a.png", Buffer.from("two"));
  expect(await digest()).not.toBe(first);
});
