import { padImage } from "../../image/pad.ts";
import { resizeImage } from "../../image/resize.ts";
import { defineNode } from "../define-node.ts";
import { combo, image, int } from "../input.ts";

/** The whole picture, as large as fits, in the middle of a canvas of the target size. */
export const resizeAndPadImage = defineNode({
  name: "ResizeAndPadImage",
  category: "image/transform",
  module: "comfy_extras.nodes_images",
  inputs: {
    image: image(),
    target_width: int({ default: 512, min: 1, max: 16384, step: 1 }),
    target_height: int({ default: 512, min: 1, max: 16384, step: 1 }),
    padding_color: combo(["white", "black"]),
    interpolation: combo(["area", "bicubic", "nearest-exact", "bilinear", "lanczos"]),
  },
  outputs: ["IMAGE"],
  run: ({ image, target_width, target_height, padding_color, interpolation }) => {
    const [, height = 1, width = 1] = image.shape;
    const scale = Math.min(target_width / width, target_height / height);
    const size = {
      width: Math.max(1, Math.trunc(width * scale)),
      height: Math.max(1, Math.trunc(height * scale)),
    };
    const canvas = {
      width: target_width,
      height: target_height,
      x: Math.floor((target_width - size.width) / 2),
      y: Math.floor((target_height - size.height) / 2),
      value: padding_color === "white" ? 1 : 0,
    };
    return [padImage(resizeImage(image, { ...size, method: interpolation }), canvas)];
  },
});
