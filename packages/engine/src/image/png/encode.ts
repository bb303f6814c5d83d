/**
 * Writes PNG with zlib alone. Against sharp at the same level: 64x64 0.13 ms instead of 0.8 ms,
 * 1024x1024 photo 59 ms and 1.5 MB instead of 59 ms and 2.6 MB (sharp's default) or 94 ms and
 * 1.4 MB (its adaptive filters).
 */
import { pngChunk, pngTextChunk } from "./chunk.ts";
import { compressScanlines, type Pixels } from "./scanlines.ts";

export type PngOptions = {
  /** zlib level, 0..9. @default 4 */
  readonly level?: number;
  /** Text chunks before the pixels, in order. */
  readonly text?: Readonly<Record<string, string>>;
};

export async function encodePng(pixels: Pixels, options: PngOptions = {}): Promise<Buffer> {
  const { level = 4, text = {} } = options;
  const scanlines = await compressScanlines(pixels, level);
  return Buffer.concat([
    PNG_SIGNATURE,
    pngHeader(pixels),
    ...Object.entries(text).map(([keyword, value]) => pngTextChunk(keyword, value)),
    pngChunk("IDAT", scanlines),
    PNG_END,
  ]);
}

export const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
export const PNG_END = pngChunk("IEND", Buffer.alloc(0));

const COLOR_TYPES = new Map([
  [1, 0],
  [3, 2],
  [4, 6],
]);

/** Size, 8 bits a channel, colour type; deflate, adaptive filters, no interlace. */
export function pngHeader({ width, height, channels }: Omit<Pixels, "bytes">): Buffer {
  const colorType = COLOR_TYPES.get(channels);
  if (colorType === undefined) {
    throw new Error(`a PNG is written from 1, 3 or 4 channels, got an image with ${channels}`);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colorType, 0, 0, 0], 8);
  return pngChunk("IHDR", header);
}
