/** What LoadImage and its relatives share: from a widget's file name to tensors. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { bytesToFloats } from "../../image/bytes.ts";
import { decodeImageFile } from "../../image/decode.ts";
import type { DecodedFrame } from "../../image/decoded-frame.ts";
import { pixelsToImage } from "../../image/pixels.ts";
import { inverted } from "../../image/pointwise.ts";
import { type Tensor, tensor } from "../../tensor.ts";
import type { FileAccess } from "../context.ts";

/** image: [B,H,W,3]; mask: [B,H,W], or [B,64,64] zeros where the file has no alpha. */
export async function loadPicture(
  path: string,
  maxPixels: number,
): Promise<{ image: Tensor; mask: Tensor }> {
  const frames = await decodeImageFile(path, { maxPixels });
  return { image: pixelsToImage(frames.map((frame) => frame.color)), mask: transparency(frames) };
}

/** True, or what is wrong with the name. Links are not looked at. */
export async function checkPicture(
  files: FileAccess,
  name: string | null | undefined,
): Promise<true | string> {
  if (name === null || name === undefined) return true;
  try {
    const found = await stat(files.annotatedPath(name));
    return found.isFile() || `Invalid image file: ${name}`;
  } catch (error) {
    return `Invalid image file: ${name} (${reason(error)})`;
  }
}

/** SHA-256 of the file: the node runs again when its content is another. */
export async function fileDigest(
  files: FileAccess,
  name: string | null | undefined,
): Promise<string | null> {
  if (name === null || name === undefined) return null;
  return createHash("sha256")
    .update(await readFile(files.annotatedPath(name)))
    .digest("hex");
}

/** The mask of a file without alpha, in pixels. */
const NO_ALPHA_SIZE = 64;

function transparency(frames: readonly DecodedFrame[]): Tensor {
  const first = frames[0];
  const hasAlpha = frames.some((frame) => frame.alpha !== undefined);
  if (first === undefined || !hasAlpha) {
    return tensor([Math.max(1, frames.length), NO_ALPHA_SIZE, NO_ALPHA_SIZE]);
  }
  const { width, height } = first.color;
  const opacity = new Float32Array(frames.length * width * height).fill(1);
  for (const [index, frame] of frames.entries()) {
    if (frame.alpha) opacity.set(bytesToFloats(frame.alpha), index * width * height);
  }
  return inverted(tensor([frames.length, height, width], opacity));
}

function reason(error: unknown): string {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return "no such file";
  // The system's own words name the place on this machine.
  if (error instanceof Error && "syscall" in error && "code" in error) return String(error.code);
  return error instanceof Error ? error.message : String(error);
}
