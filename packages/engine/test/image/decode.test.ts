/** Containers and kinds of pictures; Pillow 12.3 agrees with each of these on files of its own making. */
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { composeFrames, type PlacedFrame } from "../../src/image/compose-frames.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { pngChunk } from "../../src/image/png/chunk.ts";
import { encodePngAnimation } from "../../src/image/png/encode-animation.ts";
import { readPngChunks } from "../../src/image/png/read-chunks.ts";

const RGB = Buffer.from(Array.from({ length: 3 * 2 * 3 }, (_, i) => i * 14));
const raw = { width: 3, height: 2, channels: 3 } as const;

test("an animated PNG gives all of its frames", async () => {
  const negative = RGB.map((byte) => 255 - byte);
  const frames = [RGB, negative, RGB].map((bytes) => ({ ...raw, bytes }));
  const png = await encodePngAnimation(frames, { frameMs: 100, level: 4, text: {} });
  const decoded = await decodeImage(png);
  expect(decoded.map(({ color }) => [...color.bytes])).toEqual([[...RGB], [...negative], [...RGB]]);
  expect(decoded.every(({ alpha }) => alpha === undefined)).toBe(true);
});

test("all frames count for the limit", async () => {
  const frames = Array.from({ length: 5 }, () => ({ ...raw, bytes: RGB }));
  const png = await encodePngAnimation(frames, { frameMs: 100, level: 4, text: {} });
  await expect(decodeImage(png, { maxPixels: 29, name: "a.png" })).rejects.toThrow(
    "a.png is too large: 5 frames of 3x2 is 30 pixels, the limit (maxInputPixels) is 29",
  );
  expect(await decodeImage(png, { maxPixels: 30 })).toHaveLength(5);
});

/** An animation of two frames whose first fcTL says what `change` writes into it. */
async function changedFrame(change: (control: Buffer) => void): Promise<Buffer> {
  const frames = Array.from({ length: 2 }, () => ({ ...raw, bytes: RGB }));
  const png = await encodePngAnimation(frames, { frameMs: 100, level: 4, text: {} });
  const chunks = readPngChunks(png);
  const control = chunks.find(({ type }) => type === "fcTL");
  if (control === undefined) throw new Error("no fcTL");
  change(control.data);
  return Buffer.concat([
    png.subarray(0, 8),
    ...chunks.map(({ type, data }) => pngChunk(type, data)),
  ]);
}

test("a frame that is larger than its canvas is refused before its pixels are read", async () => {
  const wide = await changedFrame((control) => control.writeUInt32BE(0x7fffffff, 4));
  await expect(decodeImage(wide)).rejects.toThrow(/ends at 2147483647, but the canvas is 3 wide/);
  const low = await changedFrame((control) => control.writeUInt32BE(1, 16));
  await expect(decodeImage(low)).rejects.toThrow(/ends at 3, but the canvas is 2 high/);
});

test("more frames than a file announces are refused", async () => {
  const frames = Array.from({ length: 3 }, () => ({ ...raw, bytes: RGB }));
  const png = await encodePngAnimation(frames, { frameMs: 100, level: 4, text: {} });
  const announced = readPngChunks(png).find(({ type }) => type === "acTL");
  const data = Buffer.from(announced?.data ?? []);
  data.writeUInt32BE(2, 0);
  const at = png.indexOf("acTL") - 4;
  const lying = Buffer.concat([
    png.subarray(0, at),
    pngChunk("acTL", data),
    png.subarray(at + 12 + data.length),
  ]);
  await expect(decodeImage(lying)).rejects.toThrow(/announces 2 frames and has 3/);
});

test.each([
  [
    "SVG",
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="a.png"/></svg>',
  ],
  [
    "SVG behind a comment",
    '<?xml version="1.0"?><!-- --><svg xmlns="http://www.w3.org/2000/svg"/>',
  ],
  ["PDF", "%PDF-1.7"],
  ["text", "hello"],
  ["nothing", ""],
])("%s is no picture, whatever it is called", async (_kind, content) => {
  await expect(decodeImage(Buffer.from(content), { name: "a.png" })).rejects.toMatchObject({
    code: "IMAGE_UNREADABLE",
    message: expect.stringContaining("a.png is not an image"),
  });
});

test("a GIF without transparent pixels has no alpha, one with them has", async () => {
  const opaque = await sharp(RGB, { raw }).gif().toBuffer();
  expect((await decodeImage(opaque)).map(({ alpha }) => alpha)).toEqual([undefined]);
  const rgba = Buffer.from([255, 0, 0, 255, 0, 0, 0, 0]);
  const gif = await sharp(rgba, { raw: { width: 2, height: 1, channels: 4 } })
    .gif()
    .toBuffer();
  expect((await decodeImage(gif)).map(({ alpha }) => [...(alpha ?? [])])).toEqual([[255, 0]]);
});

test("grey with alpha keeps both", async () => {
  const grey = Buffer.from([10, 255, 200, 0]);
  const picture = sharp(grey, { raw: { width: 2, height: 1, channels: 2 } }).toColourspace("b-w");
  const [frame] = await decodeImage(await picture.png().toBuffer());
  expect([...(frame?.color.bytes ?? [])]).toEqual([10, 10, 10, 200, 200, 200]);
  expect([...(frame?.alpha ?? [])]).toEqual([255, 0]);
});

describe("bitmaps", () => {
  /** Rows from the bottom up, blue first, padded to four bytes. */
  function bitmap(
    bits: number,
    rows: number[][],
    options: { height?: number; palette?: number[] } = {},
  ) {
    const palette = Buffer.from(options.palette ?? []);
    const header = Buffer.alloc(54);
    header.write("BM", "latin1");
    header.writeUInt32LE(54 + palette.length, 10);
    header.writeUInt32LE(40, 14);
    header.writeInt32LE(2, 18);
    header.writeInt32LE(options.height ?? rows.length, 22);
    header.writeUInt16LE(bits, 28);
    return Buffer.concat([header, palette, Buffer.from(rows.flat())]);
  }
  const decoded = async (bytes: Buffer) => [...((await decodeImage(bytes))[0]?.color.bytes ?? [])];

  test("24 bits, bottom up and top down", async () => {
    const rows = [
      [3, 2, 1, 6, 5, 4, 0, 0],
      [9, 8, 7, 12, 11, 10, 0, 0],
    ];
    expect(await decoded(bitmap(24, rows))).toEqual([7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6]);
    const topDown = bitmap(24, rows, { height: -2 });
    expect(await decoded(topDown)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test("palettes", async () => {
    const palette = [0, 0, 255, 0, 255, 0, 0, 0];
    expect(await decoded(bitmap(8, [[0, 1, 0, 0]], { palette }))).toEqual([255, 0, 0, 0, 0, 255]);
  });

  test("kinds that are not read are told apart, and so are cut-off files", async () => {
    await expect(decodeImage(bitmap(16, [[0, 0, 0, 0]]))).rejects.toThrow(
      "bitmaps of 16 bits with compression 0 are not read",
    );
    await expect(decodeImage(bitmap(24, [[1]]))).rejects.toThrow("the file is cut off");
  });
});

describe("frames on a canvas", () => {
  const dot = (x: number, value: number, more: Partial<PlacedFrame> = {}): PlacedFrame => ({
    x,
    y: 0,
    dispose: "keep",
    blend: "source",
    frame: {
      color: { width: 1, height: 1, channels: 3, bytes: Uint8Array.of(value, value, value) },
      alpha: Uint8Array.of(255),
    },
    ...more,
  });
  const seen = (frames: PlacedFrame[]) =>
    composeFrames(frames, { width: 3, height: 1 }).map(({ color, alpha }) => ({
      red: [0, 3, 6].map((at) => color.bytes[at]),
      alpha: [...(alpha ?? [])],
    }));

  test("kept frames add up", () => {
    expect(seen([dot(0, 10), dot(2, 20)])).toEqual([
      { red: [10, 0, 0], alpha: [255, 0, 0] },
      { red: [10, 0, 20], alpha: [255, 0, 255] },
    ]);
  });

  test("a frame may be cleared, or what was there restored, before the next", () => {
    expect(seen([dot(0, 10, { dispose: "clear" }), dot(1, 20)])[1]).toEqual({
      red: [0, 20, 0],
      alpha: [0, 255, 0],
    });
    expect(seen([dot(0, 10), dot(0, 20, { dispose: "restore" }), dot(1, 30)])[2]).toEqual({
      red: [10, 30, 0],
      alpha: [255, 255, 0],
    });
  });

  test("laid over, half-transparent colours mix with what is there", () => {
    const bytes = Uint8Array.of(200, 200, 200);
    const half = { color: { width: 1, height: 1, channels: 3, bytes }, alpha: Uint8Array.of(51) };
    expect(seen([dot(0, 100), dot(0, 0, { blend: "over", frame: half })])[1]).toEqual({
      red: [120, 0, 0],
      alpha: [255, 0, 0],
    });
  });

  test("what hangs over the canvas is cut", () => {
    expect(seen([dot(9, 10)])).toEqual([{ red: [0, 0, 0], alpha: [0, 0, 0] }]);
  });
});
