import { defineNode } from "../define-node.ts";
import { image } from "../input.ts";

export const getImageSize = defineNode({
  name: "GetImageSize",
  displayName: "Get Image Size",
  category: "image",
  module: "comfy_extras.nodes_images",
  inputs: { image: image() },
  hidden: { unique_id: "UNIQUE_ID" },
  outputs: [
    { type: "INT", name: "width" },
    { type: "INT", name: "height" },
    { type: "INT", name: "batch_size" },
  ],
  run: ({ image }, context) => {
    const [batch = 1, height = 1, width = 1] = image.shape;
    context.sendText(`width: ${width}, height: ${height}\n batch size: ${batch}`);
    return [width, height, batch];
  },
});
