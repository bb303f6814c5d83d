import sharp from "sharp";
import type { Pixels } from "./png/scanlines.ts";

export type WebpOptions = {
  readonly frameMs: number;
  readonly lossless: boolean;
  /** 0..100 */
  readonly quality: number;
  /** 0 fastest .. 6 smallest. */
  readonly effort: number;
  /** EXIF strings of the main image, by tag name: `Model`, `Make`, ... */
  readonly exif: Readonly<Record<string, string>>;
};

/** One frame gives a still picture, more an animation that runs for ever. */
export async function encodeWebp(frames: readonly Pixels[], options: WebpOptions): Promise<Buffer> {
  const [first] = frames;
  if (first === undefined) throw new Error("a picture needs at least one frame");
  const { width, height } = first;
  const channels = channelCount(first.channels);
  const bytes = Buffer.concat(frames.map((frame) => frame.bytes));
  const { frameMs, lossless, quality, effort, exif } = options;
  const raw = { width, height: height * frames.length, channels, pageHeight: height };
  const picture = sharp(bytes, { raw, limitInputPixels: false });
  const tagged = Object.keys(exif).length > 0 ? picture.withExif({ IFD0: exif }) : picture;
  return await tagged
    .webp({ lossless, quality, effort, loop: 0, delay: frames.map(() => frameMs) })
    .toBuffer();
}

function channelCount(channels: number): 1 | 3 | 4 {
  if (channels === 1 || channels === 3 || channels === 4) return channels;
  throw new Error(`a WebP is written from 1, 3 or 4 channels, got an image with ${channels}`);
}
