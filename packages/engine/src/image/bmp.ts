/** Uncompressed Windows bitmaps of 8, 24 and 32 bits, which sharp does not read. */
import type { Pixels } from "./png/scanlines.ts";

export type BmpHeader = {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly isTopDown: boolean;
  readonly pixelsAt: number;
  readonly paletteAt: number;
};

/** Undefined where the file is no bitmap; throws for kinds that are not read. */
export function readBmpHeader(bytes: Buffer): BmpHeader | undefined {
  if (bytes.length < 54 || bytes.toString("latin1", 0, 2) !== "BM") return undefined;
  const width = bytes.readInt32LE(18);
  const height = bytes.readInt32LE(22);
  const bits = bytes.readUInt16LE(28);
  const compression = bytes.readUInt32LE(30);
  const isPlain = compression === 0 || (compression === BIT_FIELDS && bits === 32);
  if (!isPlain || ![8, 24, 32].includes(bits)) {
    throw new Error(`bitmaps of ${bits} bits with compression ${compression} are not read`);
  }
  if (width <= 0 || height === 0) throw new Error(`a bitmap of ${width}x${height} has no pixels`);
  return {
    width,
    height: Math.abs(height),
    bits,
    isTopDown: height < 0,
    pixelsAt: bytes.readUInt32LE(10),
    paletteAt: 14 + bytes.readUInt32LE(14),
  };
}

/** Masks instead of a fixed order; in practice blue, green, red. */
const BIT_FIELDS = 3;

/** Rows run upwards and are padded to four bytes; a fourth byte is not taken for alpha. */
export function decodeBmp(bytes: Buffer, header: BmpHeader): Pixels {
  const { width, height, bits, isTopDown, pixelsAt, paletteAt } = header;
  const size = bits / 8;
  const stride = Math.ceil((width * size) / 4) * 4;
  if (pixelsAt + stride * height > bytes.length) throw new Error("the file is cut off");
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = pixelsAt + (isTopDown ? y : height - 1 - y) * stride;
    for (let x = 0; x < width; x++) {
      const at = row + x * size;
      const from = bits === 8 ? paletteAt + bytes[at]! * 4 : at;
      const to = (y * width + x) * 3;
      rgb[to] = bytes[from + 2]!;
      rgb[to + 1] = bytes[from + 1]!;
      rgb[to + 2] = bytes[from]!;
    }
  }
  return { width, height, channels: 3, bytes: rgb };
}
