import { DEFAULT_MAX_PIXELS } from "../../image/decode.ts";
import type { NodeClass } from "../define-node.ts";
import { defineNode } from "../define-node.ts";
import { inputFile } from "../input.ts";
import { checkPicture, fileDigest, loadPicture } from "./loaded-picture.ts";

/** Frames become a batch; the mask is 1 - alpha, or 64x64 zeros for a file without alpha. */
export function loadImage(maxInputPixels = DEFAULT_MAX_PIXELS): NodeClass {
  return defineNode({
    name: "LoadImage",
    displayName: "Load Image",
    category: "image",
    inputs: { image: inputFile({ media: "image" }, { image_upload: true }) },
    outputs: ["IMAGE", "MASK"],
    validate: {
      takes: ["image"],
      check: ({ image }, context) => checkPicture(context.files, image),
    },
    isChanged: ({ image }, context) => fileDigest(context.files, image),
    run: async ({ image }, context) => {
      const loaded = await loadPicture(context.files.annotatedPath(image), maxInputPixels);
      return [loaded.image, loaded.mask];
    },
  });
}
