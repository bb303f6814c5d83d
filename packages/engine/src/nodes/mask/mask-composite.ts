import { batchEntry } from "../../image/batch.ts";
import { asMaskBatch } from "../../image/mask-shape.ts";
import { clamp, roundHalfEven } from "../../image/rounding.ts";
import { tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { combo, int, mask } from "../input.ts";

const OPERATIONS = ["multiply", "add", "subtract", "and", "or", "xor"] as const;
type Operation = (typeof OPERATIONS)[number];

/** Combines the source, at (x, y), with what lies there; logic works on rounded values. */
export const maskComposite = defineNode({
  name: "MaskComposite",
  category: "mask",
  module: "comfy_extras.nodes_mask",
  inputs: {
    destination: mask(),
    source: mask(),
    x: int({ default: 0, min: 0, max: 16384, step: 1 }),
    y: int({ default: 0, min: 0, max: 16384, step: 1 }),
    operation: combo(OPERATIONS),
  },
  outputs: ["MASK"],
  run: ({ destination, source, x, y, operation }) => {
    const below = asMaskBatch(destination);
    const above = asMaskBatch(source);
    const [batch = 1, height = 1, width = 1] = below.shape;
    const [aboveBatch = 1, aboveHeight = 1, aboveWidth = 1] = above.shape;
    const combine = combinations[operation];
    const data = below.data.slice();
    const right = Math.min(x + aboveWidth, width);
    const bottom = Math.min(y + aboveHeight, height);
    for (let b = 0; b < batch; b++) {
      const entry = batchEntry(above, b % aboveBatch);
      for (let row = y; row < bottom; row++) {
        for (let column = x; column < right; column++) {
          const at = (b * height + row) * width + column;
          data[at] = combine(data[at]!, entry[(row - y) * aboveWidth + column - x]!);
        }
      }
    }
    return [
      tensor(
        below.shape,
        data.map((value) => clamp(value, 0, 1)),
      ),
    ];
  },
});

const combinations: Readonly<Record<Operation, (below: number, above: number) => number>> = {
  multiply: (below, above) => below * above,
  add: (below, above) => below + above,
  subtract: (below, above) => below - above,
  and: (below, above) => (isOn(below) && isOn(above) ? 1 : 0),
  or: (below, above) => (isOn(below) || isOn(above) ? 1 : 0),
  xor: (below, above) => (isOn(below) === isOn(above) ? 0 : 1),
};

function isOn(value: number): boolean {
  return roundHalfEven(value) !== 0;
}
