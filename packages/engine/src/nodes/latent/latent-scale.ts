import { CROP_METHODS, LATENT_UPSCALE_METHODS, resizeChannels } from "../../image/resize.ts";
import { roundHalfEven } from "../../image/rounding.ts";
import { defineNode } from "../define-node.ts";
import { combo, float, int, latent } from "../input.ts";

const SMALLEST_SIDE = 64;
const PIXELS = 8;

/** Sizes are in pixels; 0 for one side keeps the aspect, 0 for both the latent. */
export const latentUpscale = defineNode({
  name: "LatentUpscale",
  displayName: "Upscale Latent",
  category: "latent",
  inputs: {
    samples: latent(),
    upscale_method: combo(LATENT_UPSCALE_METHODS),
    width: int({ default: 512, min: 0, max: 16384, step: 8 }),
    height: int({ default: 512, min: 0, max: 16384, step: 8 }),
    crop: combo(CROP_METHODS),
  },
  outputs: ["LATENT"],
  run: ({ samples, upscale_method, width, height, crop }) => {
    if (width === 0 && height === 0) return [samples];
    const oldWidth = samples.samples.shape.at(-1) ?? 1;
    const oldHeight = samples.samples.shape.at(-2) ?? 1;
    const atLeast = (side: number) => Math.max(SMALLEST_SIDE, side);
    const pixelWidth = atLeast(
      width === 0 ? roundHalfEven((oldWidth * atLeast(height)) / oldHeight) : width,
    );
    const pixelHeight = atLeast(
      height === 0 ? roundHalfEven((oldHeight * atLeast(width)) / oldWidth) : height,
    );
    const resized = resizeChannels(samples.samples, {
      width: Math.floor(pixelWidth / PIXELS),
      height: Math.floor(pixelHeight / PIXELS),
      method: upscale_method,
      crop,
    });
    return [{ ...samples, samples: resized }];
  },
});

export const latentUpscaleBy = defineNode({
  name: "LatentUpscaleBy",
  displayName: "Upscale Latent By",
  category: "latent",
  inputs: {
    samples: latent(),
    upscale_method: combo(LATENT_UPSCALE_METHODS),
    scale_by: float({ default: 1.5, min: 0.01, max: 8.0, step: 0.01 }),
  },
  outputs: ["LATENT"],
  run: ({ samples, upscale_method, scale_by }) => {
    const resized = resizeChannels(samples.samples, {
      width: roundHalfEven((samples.samples.shape.at(-1) ?? 1) * scale_by),
      height: roundHalfEven((samples.samples.shape.at(-2) ?? 1) * scale_by),
      method: upscale_method,
    });
    return [{ ...samples, samples: resized }];
  },
});
