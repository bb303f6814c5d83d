import { inverted } from "../../image/pointwise.ts";
import { defineNode } from "../define-node.ts";
import { image } from "../input.ts";

export const imageInvert = defineNode({
  name: "ImageInvert",
  displayName: "Invert Image",
  category: "image",
  inputs: { image: image() },
  outputs: ["IMAGE"],
  run: ({ image }) => [inverted(image)],
});
