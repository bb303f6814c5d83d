import { setTimeout as delay } from "node:timers/promises";
import { boolean, combo, defineNode, float, image, int, string } from "@rabbitloom/engine";
import sharp from "sharp";

/** The nodes that ComfyUI's sockets were recorded with. */
const category = "oracle";

export const oracleProgress = defineNode({
  name: "OracleProgress",
  category,
  inputs: {
    image: image(),
    steps: int({ default: 3 }),
    delay: float({ default: 0 }),
    preview: boolean({ default: false }),
    text: string({ default: "" }),
    preview_format: combo(["JPEG", "PNG"]),
  },
  outputs: ["IMAGE"],
  async run({ image: picture, steps, delay: seconds, preview, text, preview_format }, context) {
    const contentType = preview_format === "PNG" ? "image/png" : "image/jpeg";
    const canvas = sharp({ create: { width: 2, height: 2, channels: 3, background: "teal" } });
    const bytes = await canvas.toFormat(preview_format === "PNG" ? "png" : "jpeg").toBuffer();
    for (let step = 1; step <= steps; step++) {
      await delay(seconds * 1000, undefined, { signal: context.signal });
      const shown = { bytes, contentType, width: 2, height: 2 } as const;
      context.progress(step, steps, preview ? shown : undefined);
    }
    if (text !== "") context.sendText(text);
    return { result: [picture] };
  },
});

export const oracleRaise = defineNode({
  name: "OracleRaise",
  category,
  inputs: { image: image(), message: string() },
  outputs: ["IMAGE"],
  run({ message }) {
    throw new Error(message);
  },
});

export const oracleNodes = [oracleProgress, oracleRaise];
