import { cropPixels } from "../../models/crop-pixels.ts";
import { defineNode } from "../define-node.ts";
import { image, latent, vae } from "../input.ts";

export const vaeDecode = defineNode({
  name: "VAEDecode",
  displayName: "VAE Decode",
  category: "latent",
  inputs: { samples: latent({}), vae: vae({}) },
  outputs: ["IMAGE"],
  usesDevice: true,
  run: async (inputs, { signal }) => [await inputs.vae.decode(inputs.samples.samples, signal)],
});

/** What does not fill a whole latent pixel is cut off on all sides. */
export const vaeEncode = defineNode({
  name: "VAEEncode",
  displayName: "VAE Encode",
  category: "latent",
  inputs: { pixels: image(), vae: vae() },
  outputs: ["LATENT"],
  usesDevice: true,
  run: async (inputs, { signal }) => {
    const pixels = cropPixels(inputs.pixels, inputs.vae.downscale);
    return [{ samples: await inputs.vae.encode(pixels, signal) }];
  },
});
