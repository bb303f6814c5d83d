/** Nodes that prepare pictures and prompts for inpainting and editing. */
import { cropWithMask, greyHoles, growHoles } from "../../conditioning/mask-holes.ts";
import { cropPixels } from "../../models/crop-pixels.ts";
import { tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { boolean, conditioning, image, int, mask, vae } from "../input.ts";

const prompts = [
  { type: "CONDITIONING", name: "positive" },
  { type: "CONDITIONING", name: "negative" },
  { type: "LATENT", name: "latent" },
] as const;

/** The hole is filled with grey, so that nothing of what was there remains. */
export const vaeEncodeForInpaint = defineNode({
  name: "VAEEncodeForInpaint",
  displayName: "VAE Encode (for Inpainting)",
  category: "latent/inpaint",
  inputs: {
    pixels: image(),
    vae: vae(),
    mask: mask(),
    grow_mask_by: int({ default: 6, min: 0, max: 64, step: 1 }),
  },
  outputs: ["LATENT"],
  usesDevice: true,
  run: async (inputs, { signal }) => {
    const { vae, grow_mask_by } = inputs;
    const { pixels, mask } = cropWithMask(inputs.pixels, inputs.mask, vae.downscale);
    const samples = await vae.encode(greyHoles(pixels, mask), { signal });
    return [{ samples, noiseMask: growHoles(mask, grow_mask_by) }];
  },
});

/** For networks that see the picture with its hole beside the latent, which keeps the whole picture. */
export const inpaintModelConditioning = defineNode({
  name: "InpaintModelConditioning",
  category: "conditioning/inpaint",
  inputs: {
    positive: conditioning(),
    negative: conditioning(),
    vae: vae(),
    pixels: image(),
    mask: mask(),
    noise_mask: boolean({ default: true }),
  },
  outputs: prompts,
  usesDevice: true,
  run: async (inputs, { signal }) => {
    const { vae } = inputs;
    const { pixels, mask } = cropWithMask(inputs.pixels, inputs.mask, vae.downscale);
    const concatLatent = await vae.encode(greyHoles(pixels, mask), { signal });
    const samples = await vae.encode(pixels, { signal });
    const seen = { concatLatent, concatMask: mask };
    return [
      inputs.positive.map((entry) => ({ ...entry, ...seen })),
      inputs.negative.map((entry) => ({ ...entry, ...seen })),
      { samples, ...(inputs.noise_mask ? { noiseMask: mask } : {}) },
    ];
  },
});

/** For networks that see the picture to edit beside an empty latent of its size. */
export const instructPixToPixConditioning = defineNode({
  name: "InstructPixToPixConditioning",
  category: "conditioning/instructpix2pix",
  module: "comfy_extras.nodes_ip2p",
  schema: "v3",
  inputs: {
    positive: conditioning(),
    negative: conditioning(),
    vae: vae(),
    pixels: image(),
  },
  outputs: prompts,
  usesDevice: true,
  run: async ({ positive, negative, vae, pixels }, { signal }) => {
    const concatLatent = await vae.encode(cropPixels(pixels, vae.downscale), { signal });
    return [
      positive.map((entry) => ({ ...entry, concatLatent })),
      negative.map((entry) => ({ ...entry, concatLatent })),
      { samples: tensor(concatLatent.shape) },
    ];
  },
});
