import { tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { int } from "../input.ts";

export const emptyImage = defineNode({
  name: "EmptyImage",
  category: "image",
  inputs: {
    width: int({ default: 512, min: 1, max: 16384, step: 1 }),
    height: int({ default: 512, min: 1, max: 16384, step: 1 }),
    batch_size: int({ default: 1, min: 1, max: 4096 }),
    color: int({ default: 0, min: 0, max: 0xffffff, step: 1, display: "color" }),
  },
  outputs: ["IMAGE"],
  run: ({ width, height, batch_size, color }) => {
    const result = tensor([batch_size, height, width, 3]);
    const [red, green, blue] = rgb(color);
    const { data } = result;
    for (let i = 0; i < data.length; i += 3) {
      data[i] = red;
      data[i + 1] = green;
      data[i + 2] = blue;
    }
    return [result];
  },
});

/** 0xRRGGBB to three values in 0..1. */
function rgb(color: number): [number, number, number] {
  return [((color >> 16) & 0xff) / 0xff, ((color >> 8) & 0xff) / 0xff, (color & 0xff) / 0xff];
}
