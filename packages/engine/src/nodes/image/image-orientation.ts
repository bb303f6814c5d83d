/** Quarter turns and mirror images. */
import { FLIP_METHODS, flipImage, ROTATIONS, rotateImage } from "../../image/orient.ts";
import { defineNode } from "../define-node.ts";
import { combo, image } from "../input.ts";

export const imageRotate = defineNode({
  name: "ImageRotate",
  category: "image/transform",
  module: "comfy_extras.nodes_images",
  inputs: { image: image(), rotation: combo(ROTATIONS) },
  outputs: ["IMAGE"],
  run: ({ image, rotation }) => [rotateImage(image, rotation)],
});

export const imageFlip = defineNode({
  name: "ImageFlip",
  category: "image/transform",
  module: "comfy_extras.nodes_images",
  inputs: { image: image(), flip_method: combo(FLIP_METHODS) },
  outputs: ["IMAGE"],
  run: ({ image, flip_method }) => [flipImage(image, flip_method)],
});
