/** Prompts with the sizes that SDXL networks are told. */
import { defineNode } from "../define-node.ts";
import { clip, float, int, string } from "../input.ts";
import { encodePrompt } from "./encode-prompt.ts";

const prompting = {
  category: "advanced/conditioning",
  module: "comfy_extras.nodes_clip_sdxl",
  schema: "v3",
  outputs: ["CONDITIONING"],
  usesDevice: true,
} as const;

const size = (value: number) => int({ default: value, min: 0, max: 16384 });
const text = string({ multiline: true, dynamicPrompts: true });

export const clipTextEncodeSdxl = defineNode({
  ...prompting,
  name: "CLIPTextEncodeSDXL",
  inputs: {
    clip: clip({}),
    width: size(1024),
    height: size(1024),
    crop_w: size(0),
    crop_h: size(0),
    target_width: size(1024),
    target_height: size(1024),
    text_g: text,
    text_l: text,
  },
  run: async ({ clip, text_g, text_l, ...given }, context) => {
    const encoded = await encodePrompt(context, clip, { l: text_l, g: text_g });
    const sizes = {
      width: given.width,
      height: given.height,
      cropWidth: given.crop_w,
      cropHeight: given.crop_h,
      targetWidth: given.target_width,
      targetHeight: given.target_height,
    };
    return [[{ ...encoded, sizes }]];
  },
});

export const clipTextEncodeSdxlRefiner = defineNode({
  ...prompting,
  name: "CLIPTextEncodeSDXLRefiner",
  inputs: {
    ascore: float({ default: 6.0, min: 0.0, max: 1000.0, step: 0.01 }),
    width: size(1024),
    height: size(1024),
    text,
    clip: clip({}),
  },
  run: async ({ ascore, width, height, text, clip }, context) => {
    const encoded = await encodePrompt(context, clip, text);
    const sizes = {
      width,
      height,
      cropWidth: 0,
      cropHeight: 0,
      targetWidth: width,
      targetHeight: height,
    };
    return [[{ ...encoded, aestheticScore: ascore, sizes }]];
  },
});
