import { padImage } from "../../image/pad.ts";
import { filled } from "../../image/pointwise.ts";
import type { Tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { image, int } from "../input.ts";

type Margins = { left: number; top: number; right: number; bottom: number };

/** Grey margins; the mask is 1 there and fades into the picture along the padded sides. */
export const imagePadForOutpaint = defineNode({
  name: "ImagePadForOutpaint",
  displayName: "Pad Image for Outpainting",
  category: "image",
  inputs: {
    image: image(),
    left: int({ default: 0, min: 0, max: 16384, step: 8 }),
    top: int({ default: 0, min: 0, max: 16384, step: 8 }),
    right: int({ default: 0, min: 0, max: 16384, step: 8 }),
    bottom: int({ default: 0, min: 0, max: 16384, step: 8 }),
    feathering: int({ default: 40, min: 0, max: 16384, step: 1 }),
  },
  outputs: ["IMAGE", "MASK"],
  run: ({ image, feathering, ...margins }) => {
    const [, height = 1, width = 1] = image.shape;
    const { left, top, right, bottom } = margins;
    const size = { width: width + left + right, height: height + top + bottom };
    const padded = padImage(image, { ...size, x: left, y: top, value: 0.5 });
    const mask = filled([1, size.height, size.width], 1);
    fadeInside(mask, { width, height, margins, feathering });
    return [padded, mask];
  },
});

/**
 * ((feathering - d) / feathering)^2 at distance d < feathering from the nearest padded side, 0
 * further in; no fading where it would meet in the middle.
 */
function fadeInside(
  mask: Tensor,
  area: { width: number; height: number; margins: Margins; feathering: number },
): void {
  const { width, height, margins, feathering } = area;
  const maskWidth = mask.shape[2] ?? 1;
  const isFaded = feathering > 0 && feathering * 2 < height && feathering * 2 < width;
  for (let y = 0; y < height; y++) {
    const toTop = margins.top === 0 ? height : y;
    const toBottom = margins.bottom === 0 ? height : height - y;
    for (let x = 0; x < width; x++) {
      const toLeft = margins.left === 0 ? width : x;
      const toRight = margins.right === 0 ? width : width - x;
      const distance = Math.min(toTop, toBottom, toLeft, toRight);
      const fade = isFaded && distance < feathering ? (feathering - distance) / feathering : 0;
      mask.data[(margins.top + y) * maskWidth + margins.left + x] = fade * fade;
    }
  }
}
