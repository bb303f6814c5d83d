import { defineNode } from "../define-node.ts";
import { clipVision, clipVisionOutput, combo, conditioning, float, image } from "../input.ts";

export const clipVisionEncode = defineNode({
  name: "CLIPVisionEncode",
  displayName: "CLIP Vision Encode",
  category: "conditioning",
  inputs: { clip_vision: clipVision(), image: image(), crop: combo(["center", "none"]) },
  outputs: ["CLIP_VISION_OUTPUT"],
  usesDevice: true,
  run: async ({ clip_vision, image, crop }) => [await clip_vision.encode(image, crop)],
});

/** A picture to follow, beside those that the prompt has already. */
export const unclipConditioning = defineNode({
  name: "unCLIPConditioning",
  category: "conditioning",
  inputs: {
    conditioning: conditioning(),
    clip_vision_output: clipVisionOutput(),
    strength: float({ default: 1.0, min: -10.0, max: 10.0, step: 0.01 }),
    noise_augmentation: float({ default: 0.0, min: 0.0, max: 1.0, step: 0.01 }),
  },
  outputs: ["CONDITIONING"],
  run: ({ conditioning, clip_vision_output: seen, strength, noise_augmentation }) => {
    if (strength === 0) return [conditioning];
    const picture = { seen, strength, noiseAugmentation: noise_augmentation };
    return [
      conditioning.map((entry) => ({ ...entry, unclip: [...(entry.unclip ?? []), picture] })),
    ];
  },
});
