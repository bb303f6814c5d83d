import { asMaskBatch } from "../../image/mask-shape.ts";
import { tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { int, mask } from "../input.ts";

/**
 * Fades the edges: the k-th line from an edge, counted from 0, is multiplied by (k + 1) / width.
 * From the right and the bottom the lines are counted 0, last, last but one, ...: ComfyUI's own slip,
 * kept, because saved workflows look like this.
 */
export const featherMask = defineNode({
  name: "FeatherMask",
  category: "mask",
  module: "comfy_extras.nodes_mask",
  inputs: {
    mask: mask(),
    left: int({ default: 0, min: 0, max: 16384, step: 1 }),
    top: int({ default: 0, min: 0, max: 16384, step: 1 }),
    right: int({ default: 0, min: 0, max: 16384, step: 1 }),
    bottom: int({ default: 0, min: 0, max: 16384, step: 1 }),
  },
  outputs: ["MASK"],
  run: ({ mask, left, top, right, bottom }) => {
    const { shape, data } = asMaskBatch(mask);
    const [, height = 1, width = 1] = shape;
    const columns = edgeFactors(width, left, right);
    const rows = edgeFactors(height, top, bottom);
    return [
      tensor(
        shape,
        data.map((value, i) => {
          const x = i % width;
          const y = Math.floor(i / width) % height;
          return fade(fade(value, columns[x]), rows[y]);
        }),
      ),
    ];
  },
});

/** For each line of an axis, the factors to apply, in order. */
function edgeFactors(size: number, before: number, after: number): number[][] {
  const factors = Array.from({ length: size }, (): number[] => []);
  const leading = Math.min(before, size);
  const trailing = Math.min(after, size);
  for (let k = 0; k < leading; k++) factors[k]?.push((k + 1) / leading);
  for (let k = 0; k < trailing; k++) factors.at(-k)?.push((k + 1) / trailing);
  return factors;
}

function fade(value: number, factors: readonly number[] = []): number {
  return factors.reduce((faded, factor) => Math.fround(faded * factor), value);
}
