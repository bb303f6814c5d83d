import { repeatToBatch } from "../../image/batch.ts";
import { defineNode } from "../define-node.ts";
import { combo, int, latent } from "../input.ts";
import { cutAxis, joinAxis } from "./latent-axis.ts";

const module = "comfy_extras.nodes_latent";
const category = "latent/advanced";

/** How far from the last axis; t is the time axis of videos. */
const FROM_END: Readonly<Record<string, number>> = { x: 1, y: 2, t: 3 };

function axisOf(name: string, rank: number): number {
  const axis = rank - (FROM_END[name] ?? 1);
  if (axis < 0) throw new Error(`a latent of ${rank} dimensions has no axis ${name}`);
  return axis;
}

/** Side by side; "-" puts samples2 first. */
export const latentConcat = defineNode({
  name: "LatentConcat",
  category,
  module,
  schema: "v3",
  inputs: {
    samples1: latent(),
    samples2: latent(),
    dim: combo(["x", "-x", "y", "-y", "t", "-t"], { multiselect: false }),
  },
  outputs: ["LATENT"],
  run: ({ samples1, samples2, dim }) => {
    const first = samples1.samples;
    const second = repeatToBatch(samples2.samples, first.shape[0] ?? 1);
    const axis = axisOf(dim.replace("-", ""), first.shape.length);
    const parts = dim.startsWith("-") ? [second, first] : [first, second];
    return [{ ...samples1, samples: joinAxis(parts, axis) }];
  },
});

/** A negative index counts from the end. */
export const latentCut = defineNode({
  name: "LatentCut",
  category,
  module,
  schema: "v3",
  inputs: {
    samples: latent(),
    dim: combo(["x", "y", "t"], { multiselect: false }),
    index: int({ default: 0, min: -16384, max: 16384, step: 1 }),
    amount: int({ default: 1, min: 1, max: 16384, step: 1 }),
  },
  outputs: ["LATENT"],
  run: ({ samples, dim, index, amount }) => {
    const axis = axisOf(dim, samples.samples.shape.length);
    const size = samples.samples.shape[axis] ?? 1;
    const start = index >= 0 ? Math.min(index, size - 1) : Math.max(0, size + index);
    const cut = { axis, start, length: Math.min(amount, size - start) };
    return [{ ...samples, samples: cutAxis(samples.samples, cut) }];
  },
});
