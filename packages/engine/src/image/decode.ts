import { readFile } from "node:fs/promises";
import sharp, { type Metadata } from "sharp";
import type { Pixels } from "./png/scanlines.ts";

export type DecodedFrame = {
  /** RGB */
  readonly color: Pixels;
  /** One byte a pixel, 255 = opaque; absent where the file has no transparency. */
  readonly alpha?: Uint8Array;
};

export type DecodeOptions = {
  /** Width x height x frames above which a file is refused before it is decoded. @default 50 million */
  readonly maxPixels?: number;
};

export const DEFAULT_MAX_PIXELS = 50_000_000;

/**
 * Reads every frame of an image file: turned as its EXIF orientation says, palettes and grey spread
 * to RGB, 16-bit values cut to their high byte, colour profiles ignored. Frames of another size than
 * the first are left out.
 */
export async function decodeImageFile(
  path: string,
  options: DecodeOptions = {},
): Promise<DecodedFrame[]> {
  return decodeImage(await readFile(path), { ...options, name: path });
}

export async function decodeImage(
  bytes: Uint8Array,
  options: DecodeOptions & { readonly name?: string } = {},
): Promise<DecodedFrame[]> {
  const { maxPixels = DEFAULT_MAX_PIXELS, name = "the image" } = options;
  const metadata = await readHeader(bytes, name);
  const frames = frameCount(metadata);
  refuseBomb(metadata, { frames, maxPixels, name });
  try {
    if (frames > 1 && ANIMATIONS.has(metadata.format)) return await decodeAnimation(bytes);
    return await decodePages(bytes, frames);
  } catch (cause) {
    throw new Error(`${name} cannot be decoded: ${message(cause)}`, { cause });
  }
}

/** Formats whose frames build on each other: one pass over all of them. */
const ANIMATIONS = new Set(["gif", "webp"]);

async function decodeAnimation(bytes: Uint8Array): Promise<DecodedFrame[]> {
  const { data, info } = await sharp(bytes, { pages: -1, ignoreIcc: true, limitInputPixels: false })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, channels } = info;
  const height = info.pageHeight ?? info.height;
  const size = width * height * channels;
  return Array.from({ length: data.length / size }, (_, i) =>
    splitChannels({ width, height, channels, bytes: data.subarray(i * size, (i + 1) * size) }),
  );
}

async function decodePages(bytes: Uint8Array, pages: number): Promise<DecodedFrame[]> {
  const first = await decodePage(bytes, 0);
  const frames = [first];
  for (let page = 1; page < pages; page++) {
    const frame = await decodePage(bytes, page);
    const { width, height } = frame.color;
    if (width === first.color.width && height === first.color.height) frames.push(frame);
  }
  return frames;
}

/** The high byte is what stays of 16-bit values; sharp's own conversion rounds the same way. */
async function decodePage(bytes: Uint8Array, page: number): Promise<DecodedFrame> {
  const { data, info } = await sharp(bytes, { page, ignoreIcc: true, limitInputPixels: false })
    .autoOrient()
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return splitChannels({ ...info, bytes: data });
}

/** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
function splitChannels({ width, height, channels, bytes }: Pixels): DecodedFrame {
  const count = width * height;
  const hasAlpha = channels === 2 || channels === 4;
  const isGrey = channels < 3;
  if (channels === 3) return { color: { width, height, channels: 3, bytes } };
  const rgb = new Uint8Array(count * 3);
  const alpha = new Uint8Array(hasAlpha ? count : 0);
  for (let i = 0; i < count; i++) {
    const from = i * channels;
    rgb[i * 3] = bytes[from]!;
    rgb[i * 3 + 1] = bytes[isGrey ? from : from + 1]!;
    rgb[i * 3 + 2] = bytes[isGrey ? from : from + 2]!;
    if (hasAlpha) alpha[i] = bytes[from + channels - 1]!;
  }
  const color = { width, height, channels: 3, bytes: rgb };
  return hasAlpha ? { color, alpha } : { color };
}

async function readHeader(bytes: Uint8Array, name: string): Promise<Metadata> {
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (cause) {
    throw new Error(`${name} is not an image that can be read: ${message(cause)}`, { cause });
  }
}

/** Containers whose further pages are not frames of one picture. */
const FIRST_PAGE_ONLY = new Set(["heif", "pdf", "svg"]);

function frameCount(metadata: Metadata): number {
  return FIRST_PAGE_ONLY.has(metadata.format) ? 1 : (metadata.pages ?? 1);
}

function refuseBomb(
  metadata: Metadata,
  { frames, maxPixels, name }: { frames: number; maxPixels: number; name: string },
): void {
  const { width } = metadata;
  const height = metadata.pageHeight ?? metadata.height;
  const pixels = width * height * frames;
  if (pixels <= maxPixels) return;
  const size = frames === 1 ? `${width}x${height}` : `${frames} frames of ${width}x${height}`;
  throw new Error(
    `${name} is too large: ${size} is ${grouped(pixels)} pixels, the limit (maxInputPixels) is ${grouped(maxPixels)}`,
  );
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
