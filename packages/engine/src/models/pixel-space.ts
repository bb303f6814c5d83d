import { channelsFirst, channelsLast } from "./layout.ts";
import type { Vae } from "./model.ts";

/** No autoencoder at all: latents are the picture itself, -1..1. */
export const pixelSpaceVae: Vae = {
  family: "pixel space",
  latentChannels: 3,
  downscale: 1,
  encode: async (pixels) => channelsFirst(pixels, (value) => value * 2 - 1),
  decode: async (latents) =>
    channelsLast(latents, (value) => Math.min(Math.max((value + 1) / 2, 0), 1)),
};
