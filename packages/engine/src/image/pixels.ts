import { allocateFloats } from "../allocate-floats.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { batchEntry } from "./batch.ts";
import { bytesToFloats, floatsToBytes } from "./bytes.ts";
import { imagePlanes } from "./plane.ts";
import type { Pixels } from "./png/scanlines.ts";

/** The bytes of each entry of a batch. image: [B,H,W,C] */
export function batchPixels(image: Tensor): Pixels[] {
  return Array.from({ length: image.shape[0] ?? 0 }, (_, index) => entryPixels(image, index));
}

/** The bytes of one entry of a batch. image: [B,H,W,C] */
export function entryPixels(image: Tensor, index: number): Pixels {
  const { height, width, inner } = imagePlanes(image);
  return { width, height, channels: inner, bytes: floatsToBytes(batchEntry(image, index)) };
}

/** frames of one size; returns [B,H,W,C] */
export function pixelsToImage(frames: readonly Pixels[]): Tensor {
  const first = frames[0];
  if (first === undefined) throw new Error("a batch of images needs at least one");
  const { width, height, channels } = first;
  const size = width * height * channels;
  const data = allocateFloats(frames.length * size);
  for (const [b, frame] of frames.entries()) data.set(bytesToFloats(frame.bytes), b * size);
  return tensor([frames.length, height, width, channels], data);
}
