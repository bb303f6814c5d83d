import type { Tensor } from "../tensor.ts";
import {
  asChannels,
  asImage,
  channelPlanes,
  cropPlanes,
  imagePlanes,
  type Planes,
} from "./plane.ts";
import { resampleBislerp } from "./resample/bislerp.ts";
import { resampleLanczos } from "./resample/lanczos.ts";
import { resampleNearest } from "./resample/nearest.ts";
import { resampleSeparable } from "./resample/separable.ts";
import { areaTaps, bicubicTaps, bilinearTaps, smoothBicubicTaps } from "./resample/taps.ts";
import { roundHalfEven } from "./rounding.ts";

export const IMAGE_UPSCALE_METHODS = [
  "nearest-exact",
  "bilinear",
  "area",
  "bicubic",
  "lanczos",
] as const;
export const LATENT_UPSCALE_METHODS = [
  "nearest-exact",
  "bilinear",
  "area",
  "bicubic",
  "bislerp",
] as const;
export const CROP_METHODS = ["disabled", "center"] as const;

type PlaneMethod = (typeof IMAGE_UPSCALE_METHODS)[number];
export type UpscaleMethod = PlaneMethod | "bislerp";
export type CropMethod = (typeof CROP_METHODS)[number];
export type Size = { readonly width: number; readonly height: number };
export type ResizeOptions = Size & { readonly method: UpscaleMethod; readonly crop?: CropMethod };

/** image: [B,H,W,C]; returns [B,height,width,C] */
export function resizeImage(image: Tensor, options: ResizeOptions): Tensor {
  const { method } = options;
  if (method === "bislerp") {
    return channelsLast(resizeChannels(channelsFirst(image), options));
  }
  return asImage(resizePlanes(cropped(imagePlanes(image), options), options, method));
}

/** image: [B,H,W,C]; bicubic with smoothing where it shrinks; returns [B,height,width,C] */
export function resizeSmoothly(image: Tensor, size: Size): Tensor {
  refuseEmpty(size);
  return asImage(resampleSeparable(imagePlanes(image), size, smoothBicubicTaps));
}

/** t: [...,H,W]: masks and latents; returns [...,height,width] */
export function resizeChannels(t: Tensor, options: ResizeOptions): Tensor {
  const planes = cropped(channelPlanes(t), options);
  const { method } = options;
  if (method === "bislerp") return resampleBislerp(asChannels(planes, t), options);
  return asChannels(resizePlanes(planes, options, method), t);
}

/** [B,H,W,C] to [B,C,H,W] */
export function channelsFirst(image: Tensor): Tensor {
  const { outer, height, width, inner, data } = imagePlanes(image);
  const area = height * width;
  const result = new Float32Array(data.length);
  for (let o = 0; o < outer; o++) {
    for (let p = 0; p < area; p++) {
      for (let c = 0; c < inner; c++)
        result[(o * inner + c) * area + p] = data[(o * area + p) * inner + c]!;
    }
  }
  return { shape: [outer, inner, height, width], data: result };
}

/** [B,C,H,W] to [B,H,W,C] */
export function channelsLast(t: Tensor): Tensor {
  const [outer = 1, inner = 1, height = 1, width = 1] = t.shape;
  const area = height * width;
  const result = new Float32Array(t.data.length);
  for (let o = 0; o < outer; o++) {
    for (let p = 0; p < area; p++) {
      for (let c = 0; c < inner; c++)
        result[(o * area + p) * inner + c] = t.data[(o * inner + c) * area + p]!;
    }
  }
  return { shape: [outer, height, width, inner], data: result };
}

function resizePlanes(planes: Planes, { width, height }: Size, method: PlaneMethod): Planes {
  const size = { width, height };
  switch (method) {
    case "nearest-exact":
      return resampleNearest(planes, size);
    case "bilinear":
      return resampleSeparable(planes, size, bilinearTaps);
    case "area":
      return resampleSeparable(planes, size, areaTaps);
    case "bicubic":
      return resampleSeparable(planes, size, bicubicTaps);
    case "lanczos":
      return resampleLanczos(planes, size);
  }
}

/** A picture keeps at least one pixel each way. */
function refuseEmpty({ width, height }: Size): void {
  if (width >= 1 && height >= 1) return;
  throw new Error(`a picture cannot be resized to ${width}x${height}`);
}

/** Cuts the longer side, half on each end, to the target's aspect. */
function cropped(planes: Planes, options: ResizeOptions): Planes {
  refuseEmpty(options);
  if (options.crop !== "center") return planes;
  const { width, height } = planes;
  const oldAspect = width / height;
  const newAspect = options.width / options.height;
  let x = 0;
  let y = 0;
  if (oldAspect > newAspect) x = roundHalfEven((width - width * (newAspect / oldAspect)) / 2);
  else if (oldAspect < newAspect)
    y = roundHalfEven((height - height * (oldAspect / newAspect)) / 2);
  return cropPlanes(planes, { x, y, width: width - x * 2, height: height - y * 2 });
}
