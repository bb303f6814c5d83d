/** Animated PNG (W3C PNG third edition, 4.9): the first frame is the still picture, the others follow in fdAT. */
import { pngChunk } from "./chunk.ts";
import { PNG_END, PNG_SIGNATURE, pngHeader } from "./encode.ts";
import { compressScanlines, type Pixels } from "./scanlines.ts";

export type AnimationOptions = {
  readonly frameMs: number;
  /** zlib level, 0..9. */
  readonly level: number;
  /** Text behind the pixels, in ComfyUI's private `comf` chunks. */
  readonly text: Readonly<Record<string, string>>;
};

export async function encodePngAnimation(
  frames: readonly Pixels[],
  { frameMs, level, text }: AnimationOptions,
): Promise<Buffer> {
  const [first] = frames;
  if (first === undefined) throw new Error("an animation needs at least one frame");
  const streams = await Promise.all(frames.map((frame) => compressScanlines(frame, level)));
  const chunks = frames.length === 1 ? [] : [animationControl(frames.length)];
  let sequence = 0;
  for (const [index, stream] of streams.entries()) {
    if (frames.length > 1) chunks.push(frameControl(first, { sequence: sequence++, frameMs }));
    if (index === 0) chunks.push(pngChunk("IDAT", stream));
    else chunks.push(pngChunk("fdAT", Buffer.concat([uint32(sequence++), stream])));
  }
  const comments = Object.entries(text).map(([key, value]) =>
    pngChunk("comf", Buffer.from(`${key}\0${value}`, "latin1")),
  );
  return Buffer.concat([PNG_SIGNATURE, pngHeader(first), ...chunks, ...comments, PNG_END]);
}

/** Frames, and plays: 0 = for ever. */
function animationControl(frames: number): Buffer {
  return pngChunk("acTL", Buffer.concat([uint32(frames), uint32(0)]));
}

/** A whole frame, shown for frameMs, replacing what was there. */
function frameControl(
  { width, height }: Pixels,
  { sequence, frameMs }: { sequence: number; frameMs: number },
): Buffer {
  const control = Buffer.alloc(26);
  control.writeUInt32BE(sequence, 0);
  control.writeUInt32BE(width, 4);
  control.writeUInt32BE(height, 8);
  // Both halves of the fraction of a second have 16 bits; long frames are told in tenths.
  const unitsASecond = frameMs > 0xffff ? 10 : 1000;
  control.writeUInt16BE(Math.min(0xffff, Math.round((frameMs / 1000) * unitsASecond)), 20);
  control.writeUInt16BE(unitsASecond, 22);
  return pngChunk("fcTL", control);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
