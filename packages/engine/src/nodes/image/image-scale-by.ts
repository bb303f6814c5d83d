import { IMAGE_UPSCALE_METHODS, resizeImage } from "../../image/resize.ts";
import { roundHalfEven } from "../../image/rounding.ts";
import { defineNode } from "../define-node.ts";
import { combo, float, image } from "../input.ts";

export const imageScaleBy = defineNode({
  name: "ImageScaleBy",
  displayName: "Upscale Image By",
  category: "image/upscaling",
  inputs: {
    image: image(),
    upscale_method: combo(IMAGE_UPSCALE_METHODS),
    scale_by: float({ default: 1.0, min: 0.01, max: 8.0, step: 0.01 }),
  },
  outputs: ["IMAGE"],
  run: ({ image, upscale_method, scale_by }) => {
    const [, height = 1, width = 1] = image.shape;
    return [
      resizeImage(image, {
        width: roundHalfEven(width * scale_by),
        height: roundHalfEven(height * scale_by),
        method: upscale_method,
      }),
    ];
  },
});
