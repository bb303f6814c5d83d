import { entryPixels } from "../../image/pixels.ts";
import { encodePng } from "../../image/png/encode.ts";
import { defineNode } from "../define-node.ts";
import { image } from "../input.ts";

/** Sends the pictures to whoever watches and saves nothing; never taken from the cache. */
export const saveImageWebsocket = defineNode({
  name: "SaveImageWebsocket",
  category: "api/image",
  module: "custom_nodes.websocket_image_save",
  inputs: { images: image() },
  outputs: [],
  isOutputNode: true,
  isChanged: () => Number.NaN,
  run: async ({ images }, context) => {
    const count = images.shape[0] ?? 0;
    for (let index = 0; index < count; index++) {
      context.progress(index, count);
      context.sendImage(await encodePng(entryPixels(images, index)), "image/png");
    }
    return {};
  },
});
