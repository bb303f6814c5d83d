import { cropPixels } from "../../models/crop-pixels.ts";
import { defineNode } from "../define-node.ts";
import { image, int, latent, vae } from "../input.ts";

export const vaeDecode = defineNode({
  name: "VAEDecode",
  displayName: "VAE Decode",
  category: "latent",
  inputs: { samples: latent({}), vae: vae({}) },
  outputs: ["IMAGE"],
  usesDevice: true,
  run: async (inputs, { signal }) => [await inputs.vae.decode(inputs.samples.samples, { signal })],
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
    return [{ samples: await inputs.vae.encode(pixels, { signal }) }];
  },
});

/** For videos, which these VAEs are not for. */
const temporal = {
  temporal_size: int({ default: 64, min: 8, max: 4096, step: 4 }),
  temporal_overlap: int({ default: 8, min: 4, max: 4096, step: 4 }),
};

export const vaeDecodeTiled = defineNode({
  name: "VAEDecodeTiled",
  displayName: "VAE Decode (Tiled)",
  category: "_for_testing",
  inputs: {
    samples: latent(),
    vae: vae(),
    tile_size: int({ default: 512, min: 64, max: 4096, step: 32 }),
    overlap: int({ default: 64, min: 0, max: 4096, step: 32 }),
    ...temporal,
  },
  outputs: ["IMAGE"],
  usesDevice: true,
  run: async ({ tile_size: size, ...inputs }, { signal, progress }) => {
    const tiles = { size, overlap: smallOverlap(inputs.overlap, size) };
    return [await inputs.vae.decode(inputs.samples.samples, { signal, tiles, onTile: progress })];
  },
});

export const vaeEncodeTiled = defineNode({
  name: "VAEEncodeTiled",
  displayName: "VAE Encode (Tiled)",
  category: "_for_testing",
  inputs: {
    pixels: image(),
    vae: vae(),
    tile_size: int({ default: 512, min: 64, max: 4096, step: 64 }),
    overlap: int({ default: 64, min: 0, max: 4096, step: 32 }),
    ...temporal,
  },
  outputs: ["LATENT"],
  usesDevice: true,
  run: async ({ tile_size: size, ...inputs }, { signal, progress }) => {
    const pixels = cropPixels(inputs.pixels, inputs.vae.downscale);
    const tiles = { size, overlap: smallOverlap(inputs.overlap, size) };
    return [{ samples: await inputs.vae.encode(pixels, { signal, tiles, onTile: progress }) }];
  },
});

/** At most a quarter of a tile. */
const smallOverlap = (overlap: number, size: number) => Math.min(overlap, Math.floor(size / 4));
