/** Prompts to conditioning. */
import { defineNode } from "../define-node.ts";
import { clip, int, string } from "../input.ts";
import { encodePrompt } from "./encode-prompt.ts";

export const clipTextEncode = defineNode({
  name: "CLIPTextEncode",
  displayName: "CLIP Text Encode (Prompt)",
  category: "conditioning",
  inputs: { text: string({ multiline: true, dynamicPrompts: true }), clip: clip({}) },
  outputs: ["CONDITIONING"],
  usesDevice: true,
  run: async ({ clip, text }, context) => [[await encodePrompt(context, clip, text)]],
});

export const clipSetLastLayer = defineNode({
  name: "CLIPSetLastLayer",
  displayName: "CLIP Set Last Layer",
  category: "conditioning",
  inputs: {
    clip: clip(),
    stop_at_clip_layer: int({ default: -1, min: -24, max: -1, step: 1 }),
  },
  outputs: ["CLIP"],
  run: (inputs) => [{ ...inputs.clip, lastLayer: inputs.stop_at_clip_layer }],
});
