/** Models mixed into one. Nothing is computed before the result is used or saved. */
import { type MergeFactors, mergeWeights } from "../../models/merge-weights.ts";
import type { DiffusionModel } from "../../models/model.ts";
import type { NodeClass } from "../define-node.ts";
import { defineNode } from "../define-node.ts";
import { model } from "../input.ts";
import { mergeNode, multiplier, ratio } from "./inputs.ts";

export const modelMergeSimple = defineNode({
  ...mergeNode,
  name: "ModelMergeSimple",
  inputs: { model1: model(), model2: model(), ratio },
  outputs: ["MODEL"],
  run: ({ model1, model2, ratio }) => [merged(model1, model2, () => mix(ratio))],
});

export const modelMergeSubtract = defineNode({
  ...mergeNode,
  name: "ModelMergeSubtract",
  inputs: { model1: model(), model2: model(), multiplier },
  outputs: ["MODEL"],
  run: ({ model1, model2, multiplier }) => [
    merged(model1, model2, () => ({ first: multiplier, second: -multiplier })),
  ],
});

export const modelMergeAdd = defineNode({
  ...mergeNode,
  name: "ModelMergeAdd",
  inputs: { model1: model(), model2: model() },
  outputs: ["MODEL"],
  run: ({ model1, model2 }) => [merged(model1, model2, () => ({ first: 1, second: 1 }))],
});

export const modelMergeBlocks = blockMerge("ModelMergeBlocks", ["input", "middle", "out"]);

const numbered = (count: number, name: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => name(index));

const perBlock = { category: "advanced/model_merging/model_specific" } as const;
const specific = {
  ...perBlock,
  module: "comfy_extras.nodes_model_merging_model_specific",
} as const;

const sdBlocks = [
  "time_embed.",
  "label_emb.",
  ...numbered(12, (index) => `input_blocks.${index}.`),
  ...numbered(3, (index) => `middle_block.${index}.`),
  ...numbered(12, (index) => `output_blocks.${index}.`),
  "out.",
];
export const modelMergeSd1 = blockMerge("ModelMergeSD1", sdBlocks, specific);
export const modelMergeSd2 = blockMerge("ModelMergeSD2", sdBlocks, specific);
export const modelMergeSdxl = blockMerge(
  "ModelMergeSDXL",
  [
    "time_embed.",
    "label_emb.",
    ...numbered(9, (index) => `input_blocks.${index}`),
    ...numbered(3, (index) => `middle_block.${index}`),
    ...numbered(9, (index) => `output_blocks.${index}`),
    "out.",
  ],
  specific,
);

/** One ratio for each start of a tensor's name; the longest start counts, the first input's ratio for names without. */
function blockMerge(
  name: string,
  starts: readonly string[],
  where: { readonly category: string; readonly module: string } = mergeNode,
): NodeClass {
  const ratios = Object.fromEntries(starts.map((start) => [start, ratio]));
  return defineNode({
    ...where,
    name,
    inputs: { model1: model(), model2: model(), ...ratios },
    outputs: ["MODEL"],
    run: ({ model1, model2, ...given }) => {
      const named = Object.entries<unknown>(given).flatMap(([start, value]) =>
        typeof value === "number" ? [{ start, value }] : [],
      );
      const longestFirst = named.toSorted((a, b) => b.start.length - a.start.length);
      const ratioOf = (key: string) =>
        (longestFirst.find(({ start }) => key.startsWith(start)) ?? named[0])?.value ?? 1;
      return [merged(model1, model2, (key) => mix(ratioOf(key)))];
    },
  });
}

const mix = (ratio: number): MergeFactors => ({ first: ratio, second: 1 - ratio });

/** All but the tensors is the first model's. Throws for networks of different families. */
function merged(
  one: DiffusionModel,
  other: DiffusionModel,
  factorsOf: (key: string) => MergeFactors,
): DiffusionModel {
  const [first, second] = [one.network, other.network];
  if (first.source === undefined || second.source === undefined || first.family !== second.family) {
    throw new Error(`${first.family} and ${second.family} are no models that can be merged`);
  }
  const weights = mergeWeights(
    first.source.weights(one.loras),
    second.source.weights(other.loras),
    factorsOf,
  );
  return { ...one, network: first.source.with(weights), loras: [] };
}
