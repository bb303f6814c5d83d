/**
 * Full-range YCbCr: Y = 0.299 R + 0.587 G + 0.114 B, U = 0.564 (B - Y) + 0.5, V = 0.713 (R - Y) + 0.5,
 * and back; each part an image of three equal channels.
 */
import { tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { image } from "../input.ts";

export const imageRgbToYuv = defineNode({
  name: "ImageRGBToYUV",
  category: "image/batch",
  module: "comfy_extras.nodes_morphology",
  schema: "v3",
  inputs: { image: image() },
  outputs: [
    { type: "IMAGE", name: "Y" },
    { type: "IMAGE", name: "U" },
    { type: "IMAGE", name: "V" },
  ],
  run: ({ image }) => {
    const channels = image.shape.at(-1) ?? 3;
    const shape = [...image.shape.slice(0, -1), 3];
    const [y, u, v] = [tensor(shape), tensor(shape), tensor(shape)];
    for (let i = 0; i * channels < image.data.length; i++) {
      const [red, green, blue] = [0, 1, 2].map((c) => image.data[i * channels + c] ?? 0);
      const luma = 0.299 * red! + 0.587 * green! + 0.114 * blue!;
      y.data.fill(luma, i * 3, i * 3 + 3);
      u.data.fill((blue! - luma) * 0.564 + 0.5, i * 3, i * 3 + 3);
      v.data.fill((red! - luma) * 0.713 + 0.5, i * 3, i * 3 + 3);
    }
    return [y, u, v];
  },
});

/** Each part is the mean of its image's channels. */
export const imageYuvToRgb = defineNode({
  name: "ImageYUVToRGB",
  category: "image/batch",
  module: "comfy_extras.nodes_morphology",
  schema: "v3",
  inputs: { Y: image(), U: image(), V: image() },
  outputs: ["IMAGE"],
  run: ({ Y, U, V }) => {
    if (U.shape.join() !== Y.shape.join() || V.shape.join() !== Y.shape.join()) {
      throw new Error(`Y, U and V need one size, got [${Y.shape}], [${U.shape}] and [${V.shape}]`);
    }
    const channels = Y.shape.at(-1) ?? 3;
    const mean = (data: Float32Array, i: number) =>
      data.subarray(i * channels, (i + 1) * channels).reduce((sum, x) => sum + x, 0) / channels;
    const result = tensor([...Y.shape.slice(0, -1), 3]);
    for (let i = 0; i * 3 < result.data.length; i++) {
      const luma = mean(Y.data, i);
      const u = mean(U.data, i) - 0.5;
      const v = mean(V.data, i) - 0.5;
      result.data[i * 3] = luma + 1.403 * v;
      result.data[i * 3 + 1] = luma - 0.714 * v - 0.344 * u;
      result.data[i * 3 + 2] = luma + 1.773 * u;
    }
    return [result];
  },
});
