import { asMaskBatch } from "../../image/mask-shape.ts";
import { defineNode } from "../define-node.ts";
import { latent, mask } from "../input.ts";

export const setLatentNoiseMask = defineNode({
  name: "SetLatentNoiseMask",
  displayName: "Set Latent Noise Mask",
  category: "latent/inpaint",
  inputs: { samples: latent(), mask: mask() },
  outputs: ["LATENT"],
  run: ({ samples, mask }) => [{ ...samples, noiseMask: asMaskBatch(mask) }],
});
