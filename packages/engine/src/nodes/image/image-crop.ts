import { asImage, cropPlanes, imagePlanes } from "../../image/plane.ts";
import { defineNode } from "../define-node.ts";
import { image, int } from "../input.ts";

/** The corner is moved back inside, the rest cut at the edges. */
export const imageCrop = defineNode({
  name: "ImageCrop",
  displayName: "Image Crop",
  category: "image/transform",
  module: "comfy_extras.nodes_images",
  inputs: {
    image: image(),
    width: int({ default: 512, min: 1, max: 16384, step: 1 }),
    height: int({ default: 512, min: 1, max: 16384, step: 1 }),
    x: int({ default: 0, min: 0, max: 16384, step: 1 }),
    y: int({ default: 0, min: 0, max: 16384, step: 1 }),
  },
  outputs: ["IMAGE"],
  run: ({ image, width, height, ...corner }) => {
    const planes = imagePlanes(image);
    const x = Math.min(corner.x, planes.width - 1);
    const y = Math.min(corner.y, planes.height - 1);
    const box = {
      x,
      y,
      width: Math.min(width, planes.width - x),
      height: Math.min(height, planes.height - y),
    };
    return [asImage(cropPlanes(planes, box))];
  },
});
