/** Pictures and latents that are nearly right: each is read within its limits, or refused by an error that names the file. */
import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import { encodePngAnimation } from "../../src/image/png/encode-animation.ts";
import { readSafetensors, writeSafetensors } from "../../src/image/safetensors-file.ts";
import { tensor } from "../../src/tensor.ts";
import { mutated, seed } from "../support/mutations.ts";

const MAX_PIXELS = 10_000;
const raw = { width: 8, height: 6, channels: 3 } as const;
const pixels = Buffer.from(Array.from({ length: 8 * 6 * 3 }, (_, i) => (i * 37) % 256));
const still = sharp(pixels, { raw });
const strip = sharp(Buffer.concat([pixels, pixels.map((byte) => 255 - byte)]), {
  raw: { ...raw, height: 12, pageHeight: 6 },
});

function bitmap(): Buffer {
  const bytes = Buffer.alloc(54 + 8 * 6 * 3);
  bytes.write("BM");
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(8, 18);
  bytes.writeInt32LE(6, 22);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}

const frames = [pixels, pixels].map((bytes) => ({ ...raw, bytes }));
const samples: readonly (readonly [string, Buffer])[] = [
  ["PNG", await still.clone().png().toBuffer()],
  ["PNG with a palette", await still.clone().png({ palette: true }).toBuffer()],
  ["animated PNG", await encodePngAnimation(frames, { frameMs: 9, level: 4, text: {} })],
  [
    "JPEG",
    await still
      .clone()
      .jpeg()
      .withExif({ IFD0: { Artist: "x" } })
      .toBuffer(),
  ],
  ["WebP", await still.clone().webp().toBuffer()],
  ["animated WebP", await strip.clone().webp({ loop: 0 }).toBuffer()],
  ["GIF", await strip.clone().gif().toBuffer()],
  ["TIFF", await still.clone().tiff({ compression: "lzw" }).toBuffer()],
  ["bitmap", bitmap()],
];

test.each(samples)(`any %s (seed ${seed})`, async (_kind, whole) => {
  expect((await decodeImage(whole)).length).toBeGreaterThan(0);
  await fc.assert(
    fc.asyncProperty(mutated(whole), async (bytes) => {
      let read: Awaited<ReturnType<typeof decodeImage>>;
      try {
        read = await decodeImage(bytes, { maxPixels: MAX_PIXELS, name: "odd.picture" });
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        expect(String(error)).toContain("odd.picture");
        return;
      }
      const count = read.reduce((sum, { color }) => sum + color.width * color.height, 0);
      expect(count).toBeLessThanOrEqual(MAX_PIXELS);
      for (const { color, alpha } of read) {
        expect(color.width > 0 && color.height > 0).toBe(true);
        expect(color.bytes.length).toBe(color.width * color.height * 3);
        if (alpha !== undefined) expect(alpha.length).toBe(color.width * color.height);
      }
    }),
    { seed, numRuns: 150 },
  );
});

test("a small file of a large picture is refused before a pixel is made", async () => {
  const bomb = await sharp({
    create: { width: 12_000, height: 12_000, channels: 3, background: "black" },
  })
    .png({ compressionLevel: 9 })
    .toBuffer();
  expect(bomb.length).toBeLessThan(1_000_000);
  await expect(decodeImage(bomb, { name: "bomb.png" })).rejects.toMatchObject({
    code: "IMAGE_TOO_LARGE",
    message: expect.stringMatching(/bomb.png is too large: 12000x12000 is 144,000,000 pixels/),
  });
});

test.each([
  [-8, 6],
  [0, 6],
  [8, 0],
])("a bitmap of %i x %i is refused", async (width, height) => {
  const bytes = bitmap();
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  await expect(decodeImage(bytes, { name: "odd.bmp" })).rejects.toMatchObject({
    code: "IMAGE_UNREADABLE",
    message: expect.stringMatching(/odd.bmp .* has no pixels/),
  });
});

test(`any file of latents (seed ${seed})`, () => {
  const whole = writeSafetensors({ latent_tensor: tensor([1, 4, 2, 2]) }, { a: "b" });
  fc.assert(
    fc.property(mutated(whole, 140), (bytes) => {
      try {
        readSafetensors(bytes, "odd.latent");
      } catch (error) {
        expect(String(error)).toContain("odd.latent");
      }
    }),
    { seed, numRuns: 2_000 },
  );
});

test("a shape that is larger than its file makes no tensor", () => {
  const header = `{"latent_tensor":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4]}}`;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const bytes = Buffer.concat([length, Buffer.from(header), Buffer.alloc(4)]);
  expect(() => readSafetensors(bytes, "big.latent")).toThrow(
    "big.latent: latent_tensor of shape [1000000,1000000] has 4 bytes",
  );
});
