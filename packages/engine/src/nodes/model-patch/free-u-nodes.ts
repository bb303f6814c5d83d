import type { FreeU } from "../../models/free-u.ts";
import { defineNode } from "../define-node.ts";
import { float, model } from "../input.ts";

const number = (value: number) => float({ default: value, min: 0.0, max: 10.0, step: 0.01 });

function freeUNode(name: string, version: FreeU["version"], [b1, b2]: readonly [number, number]) {
  return defineNode({
    name,
    category: "model_patches/unet",
    module: "comfy_extras.nodes_freelunch",
    inputs: { model: model(), b1: number(b1), b2: number(b2), s1: number(0.9), s2: number(0.2) },
    outputs: ["MODEL"],
    run: ({ model, b1, b2, s1, s2 }) => [
      { ...model, freeU: { version, backbone: [b1, b2], skip: [s1, s2] } },
    ],
  });
}

export const freeUFirst = freeUNode("FreeU", 1, [1.1, 1.2]);
export const freeUSecond = freeUNode("FreeU_V2", 2, [1.3, 1.4]);
