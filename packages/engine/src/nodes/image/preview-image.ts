import { defineNode } from "../define-node.ts";
import { image } from "../input.ts";
import { previewPictures } from "../saving/preview-pictures.ts";

export const previewImage = defineNode({
  name: "PreviewImage",
  displayName: "Preview Image",
  category: "image",
  inputs: { images: image() },
  hidden: { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" },
  outputs: [],
  isOutputNode: true,
  run: async ({ images, prompt, extra_pnginfo }, context) => ({
    ui: {
      images: await previewPictures(context, { images, prompt, extraPngInfo: extra_pnginfo }),
    },
  }),
});
