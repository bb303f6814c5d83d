/**
 * Against Pillow 12.3: pictures made from a formula in integers, resized with LANCZOS and quantized
 * by median cut. To make the numbers again: Image.fromarray(p).resize(size, LANCZOS) and
 * Image.fromarray(p).quantize(colors).getpalette().
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { bytesToFloats, floatsToBytes } from "../../src/image/bytes.ts";
import { medianCutPalette } from "../../src/image/quantize/median-cut.ts";
import { resizeImage } from "../../src/image/resize.ts";
import { tensor } from "../../src/tensor.ts";

const pair = z.tuple([z.int(), z.int()]);
const recorded = z
  .object({
    lanczos: z.array(
      z.object({ from: z.tuple([z.int(), z.int(), z.int()]), to: pair, bytes: z.base64() }),
    ),
    palettes: z.array(
      z.object({ size: pair, colors: z.int(), sha256: z.string(), count: z.int() }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL("../fixtures/pillow.json", import.meta.url), "utf8")));

function picture(width: number, height: number, channels: number): Uint8Array {
  return Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const k = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    const speckle = ((x * 31 + y * 17 + k * 7) % 11) * 9;
    return (x * x * 7 + y * y * 13 + x * y * (k + 3) + k * 89 + speckle) % 256;
  });
}

test.each(recorded.lanczos)(
  "Lanczos from $from to $to agrees to the byte",
  ({ from, to, bytes }) => {
    const [width, height, channels] = from;
    const image = tensor([1, height, width, channels], bytesToFloats(picture(...from)));
    const resized = resizeImage(image, { width: to[0], height: to[1], method: "lanczos" });
    expect(Buffer.from(floatsToBytes(resized.data)).equals(Buffer.from(bytes, "base64"))).toBe(
      true,
    );
  },
);

test.each(recorded.palettes)(
  "median cut of $size into $colors",
  ({ size, colors, sha256, count }) => {
    const palette = medianCutPalette(picture(...size, 3), colors);
    expect(palette.size).toBe(count);
    expect(createHash("sha256").update(palette.bytes).digest("hex")).toBe(sha256);
  },
);
