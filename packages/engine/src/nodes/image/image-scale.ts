import { CROP_METHODS, IMAGE_UPSCALE_METHODS, resizeImage } from "../../image/resize.ts";
import { roundHalfEven } from "../../image/rounding.ts";
import { defineNode } from "../define-node.ts";
import { combo, image, int } from "../input.ts";

/** 0 for one side keeps the aspect, 0 for both the image. */
export const imageScale = defineNode({
  name: "ImageScale",
  displayName: "Upscale Image",
  category: "image/upscaling",
  inputs: {
    image: image(),
    upscale_method: combo(IMAGE_UPSCALE_METHODS),
    width: int({ default: 512, min: 0, max: 16384, step: 1 }),
    height: int({ default: 512, min: 0, max: 16384, step: 1 }),
    crop: combo(CROP_METHODS),
  },
  outputs: ["IMAGE"],
  run: ({ image, upscale_method, width, height, crop }) => {
    if (width === 0 && height === 0) return [image];
    const [, oldHeight = 1, oldWidth = 1] = image.shape;
    const size = {
      width: width || Math.max(1, roundHalfEven((oldWidth * height) / oldHeight)),
      height: height || Math.max(1, roundHalfEven((oldHeight * width) / oldWidth)),
    };
    return [resizeImage(image, { ...size, method: upscale_method, crop })];
  },
});
