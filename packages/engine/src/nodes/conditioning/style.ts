import { tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { clipVisionOutput, combo, conditioning, float, styleModel } from "../input.ts";
import { joinAxis } from "../latent/latent-axis.ts";

const TOKENS = 1;

/** The picture's style as more tokens of the prompt. "attn_bias" is for families that are not run here: elsewhere it does nothing. */
export const styleModelApply = defineNode({
  name: "StyleModelApply",
  displayName: "Apply Style Model",
  category: "conditioning/style_model",
  inputs: {
    conditioning: conditioning(),
    style_model: styleModel(),
    clip_vision_output: clipVisionOutput(),
    strength: float({ default: 1.0, min: 0.0, max: 10.0, step: 0.001 }),
    strength_type: combo(["multiply", "attn_bias"]),
  },
  outputs: ["CONDITIONING"],
  usesDevice: true,
  run: async ({ conditioning, style_model, clip_vision_output, strength, strength_type }) => {
    const { shape, data } = await style_model.tokens(clip_vision_output);
    const [pictures = 0, count = 0, width = 0] = shape;
    const factor = strength_type === "multiply" ? strength : 1;
    const style = tensor(
      [1, pictures * count, width],
      data.map((value) => value * factor),
    );
    return [
      conditioning.map((entry) => {
        if (entry.context.shape[2] !== width) {
          throw new Error(
            `style model ${JSON.stringify(style_model.name)} is for prompts of width ${width}, got one of ` +
              `${entry.context.shape[2]}: was it made with another family's CLIP?`,
          );
        }
        return { ...entry, context: joinAxis([entry.context, style], TOKENS) };
      }),
    ];
  },
});
