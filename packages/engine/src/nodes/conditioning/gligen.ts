import { embedText } from "../../models/model.ts";
import { defineNode } from "../define-node.ts";
import { clip, conditioning, gligen, int, string } from "../input.ts";

const PIXELS_PER_LATENT = 8;
const side = () => int({ default: 64, min: 8, max: 16384, step: 8 });
const offset = () => int({ default: 0, min: 0, max: 16384, step: 8 });

/** A text for a rectangle of the picture, beside those that the prompt has already. */
export const gligenTextBoxApply = defineNode({
  name: "GLIGENTextBoxApply",
  category: "conditioning/gligen",
  inputs: {
    conditioning_to: conditioning(),
    clip: clip(),
    gligen_textbox_model: gligen(),
    text: string({ multiline: true, dynamicPrompts: true }),
    width: side(),
    height: side(),
    x: offset(),
    y: offset(),
  },
  outputs: ["CONDITIONING"],
  usesDevice: true,
  run: async ({ conditioning_to, clip, gligen_textbox_model: model, text, ...rectangle }) => {
    const embedding = await embedText(clip, text);
    if (embedding.shape[1] !== model.textWidth) {
      throw new Error(
        `GLIGEN ${JSON.stringify(model.name)} reads texts of ${model.textWidth} numbers, this CLIP makes ` +
          `${embedding.shape[1]}: was it made for another family?`,
      );
    }
    const inLatent = (pixels: number) => Math.floor(pixels / PIXELS_PER_LATENT);
    const box = {
      embedding,
      width: inLatent(rectangle.width),
      height: inLatent(rectangle.height),
      x: inLatent(rectangle.x),
      y: inLatent(rectangle.y),
    };
    return [
      conditioning_to.map((entry) => ({
        ...entry,
        boxes: { gligen: model, boxes: [...(entry.boxes?.boxes ?? []), box] },
      })),
    ];
  },
});
