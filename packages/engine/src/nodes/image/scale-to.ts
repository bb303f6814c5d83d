/** Nodes that work the new size out of a wish: so many pixels, so long, one of a list. */
import { IMAGE_UPSCALE_METHODS, resizeImage } from "../../image/resize.ts";
import { roundHalfEven } from "../../image/rounding.ts";
import { defineNode } from "../define-node.ts";
import { combo, float, image, int } from "../input.ts";

export const imageScaleToTotalPixels = defineNode({
  name: "ImageScaleToTotalPixels",
  category: "image/upscaling",
  module: "comfy_extras.nodes_post_processing",
  schema: "v3",
  inputs: {
    image: image(),
    upscale_method: combo(IMAGE_UPSCALE_METHODS, { multiselect: false }),
    megapixels: float({ default: 1.0, min: 0.01, max: 16.0, step: 0.01 }),
  },
  outputs: ["IMAGE"],
  run: ({ image, upscale_method, megapixels }) => {
    const [, height = 1, width = 1] = image.shape;
    const scale = Math.sqrt(Math.trunc(megapixels * 1024 * 1024) / (width * height));
    const size = { width: roundHalfEven(width * scale), height: roundHalfEven(height * scale) };
    return [resizeImage(image, { ...size, method: upscale_method })];
  },
});

export const imageScaleToMaxDimension = defineNode({
  name: "ImageScaleToMaxDimension",
  category: "image/upscaling",
  module: "comfy_extras.nodes_images",
  inputs: {
    image: image(),
    upscale_method: combo(["area", "lanczos", "bilinear", "nearest-exact", "bilinear", "bicubic"]),
    largest_size: int({ default: 512, min: 0, max: 16384, step: 1 }),
  },
  outputs: ["IMAGE"],
  run: ({ image, upscale_method, largest_size }) => {
    const [, height = 1, width = 1] = image.shape;
    const size = {
      width: width < height ? roundHalfEven((width / height) * largest_size) : largest_size,
      height: height < width ? roundHalfEven((height / width) * largest_size) : largest_size,
    };
    return [resizeImage(image, { ...size, method: upscale_method })];
  },
});

/** The widths that FLUX Kontext was trained at, each with its height: the list read backwards. */
const KONTEXT_SIDES = [
  672, 688, 720, 752, 800, 832, 880, 944, 1024, 1104, 1184, 1248, 1328, 1392, 1456, 1504, 1568,
] as const;

/** Cut and scaled to the trained size with the nearest aspect. */
export const fluxKontextImageScale = defineNode({
  name: "FluxKontextImageScale",
  category: "advanced/conditioning/flux",
  module: "comfy_extras.nodes_flux",
  schema: "v3",
  inputs: { image: image() },
  outputs: ["IMAGE"],
  run: ({ image }) => {
    const [, oldHeight = 1, oldWidth = 1] = image.shape;
    const aspect = oldWidth / oldHeight;
    const distance = (size: { width: number; height: number }) =>
      Math.abs(aspect - size.width / size.height);
    const size = KONTEXT_SIDES.map((width, i) => ({
      width,
      height: KONTEXT_SIDES.at(-1 - i) ?? width,
    })).reduce((best, next) => (distance(next) < distance(best) ? next : best));
    return [resizeImage(image, { ...size, method: "lanczos", crop: "center" })];
  },
});
