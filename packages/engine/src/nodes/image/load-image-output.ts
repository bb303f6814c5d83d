import { DEFAULT_MAX_PIXELS } from "../../image/decode.ts";
import { defineNode, type NodeClass } from "../define-node.ts";
import type { NodeInput } from "../input.ts";
import { checkPicture, fileDigest, loadPicture } from "./loaded-picture.ts";

/** The editor asks the server for the names; they come annotated: "a.png [output]". */
const outputPicture: NodeInput<string, false> = {
  type: "COMBO",
  options: {
    image_upload: true,
    image_folder: "output",
    remote: {
      route: "/internal/files/output",
      refresh_button: true,
      control_after_refresh: "first",
    },
  },
  optional: false,
};

/** LoadImage for what earlier runs made. */
export function loadImageOutput(maxInputPixels = DEFAULT_MAX_PIXELS): NodeClass {
  return defineNode({
    name: "LoadImageOutput",
    displayName: "Load Image (from Outputs)",
    category: "image",
    experimental: true,
    inputs: { image: outputPicture },
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
