/** Nodes that make one CONDITIONING of two. */
import type { ConditioningEntry } from "../../models/model.ts";
import { type Tensor, tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { conditioning, float } from "../input.ts";
import { cutAxis, joinAxis } from "../latent/latent-axis.ts";

const category = "conditioning";
const TOKENS = 1;

/** Both are predicted with, and the predictions are averaged. */
export const conditioningCombine = defineNode({
  name: "ConditioningCombine",
  displayName: "Conditioning (Combine)",
  category,
  inputs: { conditioning_1: conditioning(), conditioning_2: conditioning() },
  outputs: ["CONDITIONING"],
  run: ({ conditioning_1, conditioning_2 }) => [[...conditioning_1, ...conditioning_2]],
});

/** One longer text: the tokens of the second's first entry after those of each of the first's. */
export const conditioningConcat = defineNode({
  name: "ConditioningConcat",
  displayName: "Conditioning (Concat)",
  category,
  inputs: { conditioning_to: conditioning(), conditioning_from: conditioning() },
  outputs: ["CONDITIONING"],
  run: ({ conditioning_to, conditioning_from }) => {
    const from = firstOf(conditioning_from);
    return [
      conditioning_to.map((entry) => ({
        ...entry,
        context: joinAxis([entry.context, from.context], TOKENS),
      })),
    ];
  },
});

/** strength * to + (1 - strength) * from's first entry, cut or filled with zeros to as many tokens. */
export const conditioningAverage = defineNode({
  name: "ConditioningAverage",
  category,
  inputs: {
    conditioning_to: conditioning(),
    conditioning_from: conditioning(),
    conditioning_to_strength: float({ default: 1.0, min: 0.0, max: 1.0, step: 0.01 }),
  },
  outputs: ["CONDITIONING"],
  run: ({ conditioning_to, conditioning_from, conditioning_to_strength: strength }) => {
    const from = firstOf(conditioning_from);
    return [
      conditioning_to.map((entry) => {
        const context = mix(entry.context, withTokens(from.context, entry.context), strength);
        const pooled =
          entry.pooled === undefined || from.pooled === undefined
            ? (entry.pooled ?? from.pooled)
            : mix(entry.pooled, from.pooled, strength);
        return { ...entry, context, ...(pooled === undefined ? {} : { pooled }) };
      }),
    ];
  },
});

/** No text at all: zeros where the prompt was, everything else as it was. */
export const conditioningZeroOut = defineNode({
  name: "ConditioningZeroOut",
  category: "advanced/conditioning",
  inputs: { conditioning: conditioning() },
  outputs: ["CONDITIONING"],
  run: (inputs) => [
    inputs.conditioning.map((entry) => ({
      ...entry,
      context: tensor(entry.context.shape),
      ...(entry.pooled === undefined ? {} : { pooled: tensor(entry.pooled.shape) }),
    })),
  ],
});

function firstOf(given: readonly ConditioningEntry[]): ConditioningEntry {
  const [first] = given;
  if (first === undefined) throw new Error("conditioning_from has no entry");
  return first;
}

function withTokens(context: Tensor, like: Tensor): Tensor {
  const [batch = 1, length = 0, width = 1] = context.shape;
  const wanted = like.shape[TOKENS] ?? 0;
  if (length >= wanted) return cutAxis(context, { axis: TOKENS, start: 0, length: wanted });
  return joinAxis([context, tensor([batch, wanted - length, width])], TOKENS);
}

function mix(a: Tensor, b: Tensor, weight: number): Tensor {
  if (a.shape.join() !== b.shape.join()) {
    throw new Error(
      `cannot average prompts of shapes [${a.shape}] and [${b.shape}]: were they made with different families' CLIPs?`,
    );
  }
  return tensor(
    a.shape,
    a.data.map((value, i) => value * weight + (b.data[i] ?? 0) * (1 - weight)),
  );
}
