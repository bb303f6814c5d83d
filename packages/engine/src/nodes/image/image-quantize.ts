import { withChannels } from "../../image/alpha.ts";
import { batchPixels, pixelsToImage } from "../../image/pixels.ts";
import type { Pixels } from "../../image/png/scanlines.ts";
import {
  ditherBayer,
  ditherFloydSteinberg,
  mapToPalette,
} from "../../image/quantize/map-colors.ts";
import { medianCutPalette, type Palette } from "../../image/quantize/median-cut.ts";
import { defineNode } from "../define-node.ts";
import { combo, image, int } from "../input.ts";

const DITHERS = ["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"] as const;
type Dither = (typeof DITHERS)[number];

/** Each picture of the batch gets a palette of its own. */
export const imageQuantize = defineNode({
  name: "ImageQuantize",
  category: "image/postprocessing",
  module: "comfy_extras.nodes_post_processing",
  schema: "v3",
  inputs: {
    image: image(),
    colors: int({ default: 256, min: 1, max: 256, step: 1 }),
    dither: combo(DITHERS, { multiselect: false }),
  },
  outputs: ["IMAGE"],
  run: ({ image, colors, dither }) => {
    const frames = batchPixels(withChannels(image, 3)).map((pixels) => {
      const palette = medianCutPalette(pixels.bytes, colors);
      return { ...pixels, bytes: dithered(pixels, palette, dither) };
    });
    return [pixelsToImage(frames)];
  },
});

function dithered(pixels: Pixels, palette: Palette, dither: Dither): Uint8Array {
  switch (dither) {
    case "none":
      return mapToPalette(pixels, palette);
    case "floyd-steinberg":
      return ditherFloydSteinberg(pixels, palette);
    default:
      return ditherBayer(pixels, palette, Number(dither.slice("bayer-".length)));
  }
}
