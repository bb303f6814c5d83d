import { defineNode } from "../define-node.ts";
import { mask } from "../input.ts";
import { previewPictures } from "../saving/preview-pictures.ts";
import { maskAsImage } from "./image-and-mask.ts";

export const maskPreview = defineNode({
  name: "MaskPreview",
  category: "mask",
  module: "comfy_extras.nodes_mask",
  inputs: { mask: mask() },
  hidden: { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" },
  outputs: [],
  isOutputNode: true,
  run: async ({ mask, prompt, extra_pnginfo }, context) => ({
    ui: {
      images: await previewPictures(context, {
        images: maskAsImage(mask),
        prompt,
        extraPngInfo: extra_pnginfo,
      }),
    },
  }),
});
