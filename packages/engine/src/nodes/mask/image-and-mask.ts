/** Between images and masks. */
import { asMaskBatch } from "../../image/mask-shape.ts";
import { roundHalfEven } from "../../image/rounding.ts";
import { type Tensor, tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { combo, image, int, mask } from "../input.ts";

export const maskToImage = defineNode({
  name: "MaskToImage",
  displayName: "Convert Mask to Image",
  category: "mask",
  module: "comfy_extras.nodes_mask",
  inputs: { mask: mask() },
  outputs: ["IMAGE"],
  run: ({ mask }) => [maskAsImage(mask)],
});

/** mask: [...,H,W]; returns [B,H,W,3], the same value in each channel */
export function maskAsImage(mask: Tensor): Tensor {
  const { shape, data } = asMaskBatch(mask);
  const result = tensor([...shape, 3]);
  for (let i = 0; i < data.length; i++) result.data.fill(data[i]!, i * 3, i * 3 + 3);
  return result;
}

const CHANNELS = ["red", "green", "blue", "alpha"] as const;

export const imageToMask = defineNode({
  name: "ImageToMask",
  displayName: "Convert Image to Mask",
  category: "mask",
  module: "comfy_extras.nodes_mask",
  inputs: { image: image(), channel: combo(CHANNELS) },
  outputs: ["MASK"],
  run: ({ image, channel }) => {
    const [batch = 1, height = 1, width = 1, channels = 3] = image.shape;
    const index = CHANNELS.indexOf(channel);
    if (index >= channels) {
      throw new Error(`the image has ${channels} channels and no ${channel}`);
    }
    const result = tensor([batch, height, width]);
    for (let i = 0; i < result.data.length; i++) {
      result.data[i] = image.data[i * channels + index]!;
    }
    return [result];
  },
});

/** 1 where the colour, rounded to bytes, is exactly this one. */
export const imageColorToMask = defineNode({
  name: "ImageColorToMask",
  category: "mask",
  module: "comfy_extras.nodes_mask",
  inputs: {
    image: image(),
    color: int({ default: 0, min: 0, max: 0xffffff, step: 1, display: "color" }),
  },
  outputs: ["MASK"],
  run: ({ image, color }) => {
    const [batch = 1, height = 1, width = 1, channels = 3] = image.shape;
    const result = tensor([batch, height, width]);
    const byteAt = (i: number) =>
      roundHalfEven(Math.fround(Math.max(0, Math.min(1, image.data[i]!)) * 255));
    for (let i = 0; i < result.data.length; i++) {
      const at = i * channels;
      const packed = (byteAt(at) << 16) | (byteAt(at + 1) << 8) | byteAt(at + 2);
      result.data[i] = packed === color ? 1 : 0;
    }
    return [result];
  },
});
