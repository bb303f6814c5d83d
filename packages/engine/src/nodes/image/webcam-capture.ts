import { DEFAULT_MAX_PIXELS } from "../../image/decode.ts";
import { defineNode, type NodeClass } from "../define-node.ts";
import { boolean, custom, int } from "../input.ts";
import { fileDigest, loadPicture } from "./loaded-picture.ts";

/** The editor takes the picture, uploads it and gives its name; size and timing are its business. */
export function webcamCapture(maxInputPixels = DEFAULT_MAX_PIXELS): NodeClass {
  return defineNode({
    name: "WebcamCapture",
    displayName: "Webcam Capture",
    category: "image",
    module: "comfy_extras.nodes_webcam",
    inputs: {
      image: custom<string>("WEBCAM", {}),
      width: int({ default: 0, min: 0, max: 16384, step: 1 }),
      height: int({ default: 0, min: 0, max: 16384, step: 1 }),
      capture_on_queue: boolean({ default: true }),
    },
    outputs: ["IMAGE"],
    isChanged: ({ image }, context) => fileDigest(context.files, image),
    run: async ({ image }, context) => {
      const loaded = await loadPicture(context.files.annotatedPath(image), maxInputPixels);
      return [loaded.image];
    },
  });
}
