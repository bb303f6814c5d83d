import { readFile } from "node:fs/promises";
import { CodedError, isPicture } from "@rabbitloom/protocol";
import sharp, { type Metadata } from "sharp";
import { decodeBmp, readBmpHeader } from "./bmp.ts";
import { composeFrames } from "./compose-frames.ts";
import type { DecodedFrame } from "./decoded-frame.ts";
import { pngFrameCount, pngFrames } from "./png/animation-frames.ts";
import type { Pixels } from "./png/scanlines.ts";

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
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const file = await readHeader(buffer, name);
  refuseBomb(file, { maxPixels, name });
  try {
    // A page may be larger than the header says: sharp looks at each.
    return await file.decode({ ignoreIcc: true, limitInputPixels: maxPixels });
  } catch (cause) {
    throw new Error(`${name} cannot be decoded: ${message(cause)}`, { cause });
  }
}

/** What is known before pixels are touched. */
type ImageFile = {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly decode: (open: OpenOptions) => DecodedFrame[] | Promise<DecodedFrame[]>;
};

type OpenOptions = { readonly ignoreIcc: true; readonly limitInputPixels: number };

async function readHeader(bytes: Buffer, name: string): Promise<ImageFile> {
  try {
    const bmp = readBmpHeader(bytes);
    if (bmp !== undefined) {
      return { ...bmp, frames: 1, decode: () => [{ color: decodeBmp(bytes, bmp) }] };
    }
    if (!isPicture(bytes)) throw new Error("its first bytes are those of no picture");
    return fileOf(bytes, await sharp(bytes, HEADER_ONLY).metadata());
  } catch (cause) {
    const problem = `${name} is not an image that can be read: ${message(cause)}`;
    throw new CodedError("IMAGE_UNREADABLE", problem, { cause });
  }
}

/** The limit is ours: it counts frames, and its error names it. */
const HEADER_ONLY = { ignoreIcc: true, limitInputPixels: false } as const;

/** Containers whose further pages are not frames of one picture. */
const FIRST_PAGE_ONLY = new Set(["heif", "pdf", "svg"]);
/** Formats whose frames build on each other: sharp decodes all of them in one pass. */
const ANIMATIONS = new Set(["gif", "webp"]);

function fileOf(bytes: Buffer, metadata: Metadata): ImageFile {
  const { format, width, pages = 1 } = metadata;
  const size = { width, height: metadata.pageHeight ?? metadata.height };
  const pngCount = format === "png" ? pngFrameCount(bytes) : 1;
  if (pngCount > 1) {
    return {
      ...size,
      frames: pngCount,
      decode: (open) => decodePngAnimation(bytes, { size, count: pngCount, open }),
    };
  }
  if (pages > 1 && ANIMATIONS.has(format)) {
    return { ...size, frames: pages, decode: (open) => decodeAnimation(bytes, format, open) };
  }
  const frames = FIRST_PAGE_ONLY.has(format) ? 1 : pages;
  return { ...size, frames, decode: (open) => decodePages(bytes, { frames, format, open }) };
}

async function decodeAnimation(
  bytes: Buffer,
  format: string,
  open: OpenOptions,
): Promise<DecodedFrame[]> {
  const { data, info } = await sharp(bytes, { ...open, pages: -1 })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, channels } = info;
  const height = info.pageHeight ?? info.height;
  const size = width * height * channels;
  const frames = Array.from({ length: data.length / size }, (_, i) =>
    splitChannels({ width, height, channels, bytes: data.subarray(i * size, (i + 1) * size) }),
  );
  return format === "gif" ? withoutIdleAlpha(frames) : frames;
}

async function decodePngAnimation(
  bytes: Buffer,
  {
    size,
    count,
    open,
  }: { size: { width: number; height: number }; count: number; open: OpenOptions },
): Promise<DecodedFrame[]> {
  const placed = [];
  const frames = pngFrames(bytes);
  if (frames.length > count) {
    throw new Error(`it announces ${count} frames and has ${frames.length}`);
  }
  for (const { png, ...place } of frames) {
    placed.push({ ...place, frame: await decodePage(png, 0, open) });
  }
  return composeFrames(placed, size);
}

async function decodePages(
  bytes: Buffer,
  { frames: count, format, open }: { frames: number; format: string; open: OpenOptions },
): Promise<DecodedFrame[]> {
  const first = await decodePage(bytes, 0, open);
  const frames = [first];
  let pixels = first.color.width * first.color.height;
  for (let page = 1; page < count; page++) {
    const frame = await decodePage(bytes, page, open);
    const { width, height } = frame.color;
    // Pages of another size are left out, but not for nothing: the header's size is the first page's.
    pixels += width * height;
    if (pixels > open.limitInputPixels) {
      throw new Error(`its first ${page + 1} pages have ${grouped(pixels)} pixels`);
    }
    if (width === first.color.width && height === first.color.height) frames.push(frame);
  }
  return format === "gif" ? withoutIdleAlpha(frames) : frames;
}

/** The high byte is what stays of 16-bit values; sharp's own conversion rounds the same way. */
async function decodePage(bytes: Buffer, page: number, open: OpenOptions): Promise<DecodedFrame> {
  const { data, info } = await sharp(bytes, { ...open, page })
    .autoOrient()
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return splitChannels({ ...info, bytes: data });
}

/** sharp gives every GIF an alpha channel; one that hides nothing is none. */
function withoutIdleAlpha(frames: DecodedFrame[]): DecodedFrame[] {
  const isIdle = frames.every(({ alpha }) => alpha === undefined || alpha.every((a) => a === 255));
  return isIdle ? frames.map(({ color }) => ({ color })) : frames;
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

function refuseBomb(
  { width, height, frames }: ImageFile,
  { maxPixels, name }: { maxPixels: number; name: string },
): void {
  const pixels = width * height * frames;
  if (pixels <= maxPixels) return;
  const size = frames === 1 ? `${width}x${height}` : `${frames} frames of ${width}x${height}`;
  throw new CodedError(
    "IMAGE_TOO_LARGE",
    `${name} is too large: ${size} is ${grouped(pixels)} pixels, the limit (maxInputPixels) is ${grouped(maxPixels)}`,
  );
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
