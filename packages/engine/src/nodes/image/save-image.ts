import { defineNode } from "../define-node.ts";
import { image, string } from "../input.ts";
import { savePictures } from "../saving/save-pictures.ts";

export const saveImage = defineNode({
  name: "SaveImage",
  displayName: "Save Image",
  category: "image",
  inputs: { images: image({}), filename_prefix: string({ default: "ComfyUI" }) },
  hidden: { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" },
  outputs: [],
  isOutputNode: true,
  run: async ({ images, filename_prefix, prompt, extra_pnginfo }, context) => ({
    ui: {
      images: await savePictures(context, {
        images,
        type: "output",
        prefix: filename_prefix,
        level: 4,
        prompt,
        extraPngInfo: extra_pnginfo,
      }),
    },
  }),
});
