/** Text encoders mixed into one. */
import { type MergeFactors, mergeWeights } from "../../models/merge-weights.ts";
import type { TextEncoder } from "../../models/model.ts";
import { defineNode } from "../define-node.ts";
import { clip } from "../input.ts";
import { mergeNode, multiplier, ratio } from "./inputs.ts";

export const clipMergeSimple = defineNode({
  ...mergeNode,
  name: "CLIPMergeSimple",
  inputs: { clip1: clip(), clip2: clip(), ratio },
  outputs: ["CLIP"],
  run: ({ clip1, clip2, ratio }) => [merged(clip1, clip2, { first: ratio, second: 1 - ratio })],
});

export const clipMergeSubtract = defineNode({
  ...mergeNode,
  name: "CLIPMergeSubtract",
  inputs: { clip1: clip(), clip2: clip(), multiplier },
  outputs: ["CLIP"],
  run: ({ clip1, clip2, multiplier }) => [
    merged(clip1, clip2, { first: multiplier, second: -multiplier }),
  ],
});

export const clipMergeAdd = defineNode({
  ...mergeNode,
  name: "CLIPMergeAdd",
  inputs: { clip1: clip(), clip2: clip() },
  outputs: ["CLIP"],
  run: ({ clip1, clip2 }) => [merged(clip1, clip2, { first: 1, second: 1 })],
});

/** Not weights of the network: they stay the first one's. */
const KEPT = /(^|\.)(position_ids|logit_scale)$/;

function merged(one: TextEncoder, other: TextEncoder, factors: MergeFactors): TextEncoder {
  const [first, second] = [one.network, other.network];
  if (first.source === undefined || second.source === undefined || first.family !== second.family) {
    throw new Error(`${first.family} and ${second.family} are no text encoders that can be merged`);
  }
  const others = second.source.weights(other.loras);
  const towers = first.source.weights(one.loras).map((tower, index) => {
    const beside = others[index];
    if (beside === undefined) return tower;
    return mergeWeights(tower, beside, (key) =>
      KEPT.test(key) ? { first: 1, second: 0 } : factors,
    );
  });
  return { ...one, network: first.source.with(towers), loras: [] };
}
