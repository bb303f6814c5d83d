/**
 * About what networks hold beside their weights while they run, in bytes, for the memory budget. The figures are measured: by
 * how much ONNX Runtime's arena had grown after a run on the CPU, with networks of the published sizes in F32.
 */
import type { FeedShapes } from "../ort/runtime.ts";

/** Places of a map [B,C,h,w], of all pictures of a batch. */
function places(x: FeedShapes[string] | undefined): number {
  const [batch = 0, , height = 0, width = 0] = x?.shape ?? [];
  return batch * height * width;
}

/** For each place and channel of the finest level: SD 1.5 at 512 px had 160 MB at once, of 4096 places and 320 channels. */
const UNET_BYTES = 120;
/** An SD 1.5 ControlNet at 512 px: 96 MB, its picture's layers among them. */
const CONTROLNET_BYTES = 75;
/** A T2I adapter for SD 1.5 at 512 px: 20 MB. */
const ADAPTER_BYTES = 16;
/** For each token and number of its width; CLIP L's vision tower took 19 MB a picture, of 257 tokens of 1024. */
const TOKEN_BYTES = 75;

export function unetWorkingBytes({ x }: FeedShapes, channels: number): number {
  return places(x) * channels * UNET_BYTES;
}

/** Also of Control-LoRAs. */
export function controlNetWorkingBytes({ x }: FeedShapes, channels: number): number {
  return places(x) * channels * CONTROLNET_BYTES;
}

export function adapterWorkingBytes({ pixels }: FeedShapes, channels: number): number {
  return places(pixels) * channels * ADAPTER_BYTES;
}

/** Of transformers over so many tokens: vision towers, and the small network in front of GLIGEN's layers. */
export function tokensWorkingBytes(tokens: number, width: number): number {
  return tokens * width * TOKEN_BYTES;
}

/** A map of ESRGAN's enlarged picture: 62 MB for 256 x 256 places of 64 channels. */
const ENLARGED_BYTES = 15;
/** Its dense blocks, at the size that goes in: 179 MB for as many. */
const DENSE_BYTES = 43;

/** For each place that goes in. `enlargement` is of the side. */
export function esrganBytesAPlace(channels: number, enlargement: number): number {
  return channels * Math.max(DENSE_BYTES, ENLARGED_BYTES * enlargement ** 2);
}

/** Convolutions in a row hold no more than the last ones of ESRGAN. */
export function compactBytesAPlace(channels: number): number {
  return channels * ENLARGED_BYTES;
}

export function upscalerWorkingBytes({ pixels }: FeedShapes, bytesAPlace: number): number {
  return places(pixels) * bytesAPlace;
}
