/** Experiments with attention: its layers times factors. */
import { scaleWeights } from "../../models/merge-weights.ts";
import type { ChangedWeights } from "../../models/tensor-recipe.ts";
import { defineNode } from "../define-node.ts";
import { clip, float, model } from "../input.ts";

const factor = float({ default: 1.0, min: 0.0, max: 10.0, step: 0.01 });
const factors = { q: factor, k: factor, v: factor, out: factor };

const experiment = {
  category: "_for_testing/attention_experiments",
  module: "comfy_extras.nodes_attention_multiply",
  schema: "v3",
  experimental: true,
} as const;

type Factors = Readonly<Record<keyof typeof factors, number>>;

function unetMultiply(name: string, attention: "attn1" | "attn2") {
  return defineNode({
    ...experiment,
    name,
    inputs: { model: model({}), ...factors },
    outputs: ["MODEL"],
    run: ({ model, ...given }) => {
      const { source, family } = model.network;
      if (source === undefined) throw new Error(`${family} has no layers that can be changed`);
      const names = { q: "to_q", k: "to_k", v: "to_v", out: "to_out.0" };
      const weights = scaled(source.weights(model.loras), `${attention}.`, { names, given });
      return [{ ...model, network: source.with(weights), loras: [] }];
    },
  });
}

export const unetSelfAttentionMultiply = unetMultiply("UNetSelfAttentionMultiply", "attn1");
export const unetCrossAttentionMultiply = unetMultiply("UNetCrossAttentionMultiply", "attn2");

export const clipAttentionMultiply = defineNode({
  ...experiment,
  name: "CLIPAttentionMultiply",
  inputs: { clip: clip({}), ...factors },
  outputs: ["CLIP"],
  run: ({ clip, ...given }) => {
    const { source, family } = clip.network;
    if (source === undefined) throw new Error(`${family} has no layers that can be changed`);
    const names = { q: "q_proj", k: "k_proj", v: "v_proj", out: "out_proj" };
    const towers = source
      .weights(clip.loras)
      .map((weights) => scaled(weights, "self_attn.", { names, given }));
    return [{ ...clip, network: source.with(towers), loras: [] }];
  },
});

/** Weights and biases of `<start><name>`, for each part. */
function scaled(
  weights: ChangedWeights,
  start: string,
  {
    names,
    given,
  }: { readonly names: Readonly<Record<keyof Factors, string>>; readonly given: Factors },
): ChangedWeights {
  const ends = [
    { layer: names.q, factor: given.q },
    { layer: names.k, factor: given.k },
    { layer: names.v, factor: given.v },
    { layer: names.out, factor: given.out },
  ].map(({ layer, factor }) => ({ end: start + layer, factor }));
  return scaleWeights(weights, (key) => {
    const found = ends.find(
      ({ end }) => key.endsWith(`${end}.weight`) || key.endsWith(`${end}.bias`),
    );
    return found?.factor ?? 1;
  });
}
