/**
 * The frames of an animated PNG (W3C PNG third edition, 11.3.6) as PNG files of their own, with
 * where and how each is laid on the canvas. sharp reads only the first.
 */
import { pngChunk } from "./chunk.ts";
import { PNG_END, PNG_SIGNATURE } from "./encode.ts";
import { type PngChunk, readPngChunks } from "./read-chunks.ts";

export type PngFrame = {
  readonly png: Buffer;
  readonly x: number;
  readonly y: number;
  /** What becomes of the frame's area before the next one. */
  readonly dispose: "keep" | "clear" | "restore";
  /** "over" lays it on what is there, "source" replaces it, alpha too. */
  readonly blend: "source" | "over";
};

/** Frames the file announces: 1 for a still picture. */
export function pngFrameCount(bytes: Buffer): number {
  if (!bytes.subarray(0, 8).equals(PNG_SIGNATURE)) return 1;
  const control = readPngChunks(bytes).find(({ type }) => type === "acTL" || type === "IDAT");
  return control?.type === "acTL" && control.data.length >= 4 ? control.data.readUInt32BE(0) : 1;
}

export function pngFrames(bytes: Buffer): PngFrame[] {
  const chunks = readPngChunks(bytes);
  const header = chunks.find(({ type }) => type === "IHDR");
  if (header === undefined) throw new Error("the PNG has no header");
  const shared = chunks.filter(({ type }) => type === "PLTE" || type === "tRNS");
  const frames: { control: Buffer; data: Buffer[] }[] = [];
  for (const { type, data } of chunks) {
    if (type === "fcTL") frames.push({ control: data, data: [] });
    // Before the first fcTL the pixels are a picture for readers that know no animation.
    if (type === "IDAT") frames.at(-1)?.data.push(data);
    if (type === "fdAT") frames.at(-1)?.data.push(data.subarray(SEQUENCE_BYTES));
  }
  return frames.map(({ control, data }) => frameOf(control, { header, shared, data }));
}

const SEQUENCE_BYTES = 4;
const DISPOSALS = ["keep", "clear", "restore"] as const;

function frameOf(
  control: Buffer,
  parts: { header: PngChunk; shared: readonly PngChunk[]; data: readonly Buffer[] },
): PngFrame {
  const header = Buffer.from(parts.header.data);
  for (const [side, at] of [
    ["wide", 0],
    ["high", 4],
  ] as const) {
    const end = control.readUInt32BE(4 + at) + control.readUInt32BE(12 + at);
    const canvas = header.readUInt32BE(at);
    if (end > canvas)
      throw new Error(`a frame ends at ${end}, but the canvas is ${canvas} ${side}`);
  }
  control.copy(header, 0, 4, 12);
  return {
    png: Buffer.concat([
      PNG_SIGNATURE,
      pngChunk("IHDR", header),
      ...parts.shared.map(({ type, data }) => pngChunk(type, data)),
      ...parts.data.map((data) => pngChunk("IDAT", data)),
      PNG_END,
    ]),
    x: control.readUInt32BE(12),
    y: control.readUInt32BE(16),
    dispose: DISPOSALS[control.readUInt8(24)] ?? "keep",
    blend: control.readUInt8(25) === 1 ? "over" : "source",
  };
}
