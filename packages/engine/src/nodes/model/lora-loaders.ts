import { CodedError } from "@rabbitloom/protocol";
import { loadLora } from "../../models/lora-file.ts";
import type { AppliedLora, Lora } from "../../models/model.ts";
import type { ModelFiles } from "../context.ts";
import { defineNode } from "../define-node.ts";
import { clip, float, model, modelFile } from "../input.ts";

const strength = float({ default: 1, min: -100, max: 100, step: 0.01 });

/** The sessions of other strengths are the same: a strength is an input of the network. */
export const loraLoader = defineNode({
  name: "LoraLoader",
  displayName: "Load LoRA",
  category: "loaders",
  inputs: {
    model: model({}),
    clip: clip({}),
    lora_name: modelFile("loras", {}),
    strength_model: strength,
    strength_clip: strength,
  },
  outputs: ["MODEL", "CLIP"],
  run: async ({ lora_name, strength_model, strength_clip, ...inputs }, { models }) => {
    const networks = [inputs.model.network, inputs.clip.network];
    const lora = await openLora(models, lora_name, networks);
    return [
      withLora(inputs.model, { lora, strength: strength_model }),
      withLora(inputs.clip, { lora, strength: strength_clip }),
    ];
  },
});

export const loraLoaderModelOnly = defineNode({
  name: "LoraLoaderModelOnly",
  category: "loaders",
  inputs: { model: model(), lora_name: modelFile("loras"), strength_model: strength },
  outputs: ["MODEL"],
  run: async ({ lora_name, strength_model, ...inputs }, { models }) => {
    const lora = await openLora(models, lora_name, [inputs.model.network]);
    return [withLora(inputs.model, { lora, strength: strength_model })];
  },
});

/** Throws MODEL_INVALID when the file changes no layer of the networks. */
async function openLora(
  models: ModelFiles,
  name: string,
  networks: readonly { readonly family: string; matchLora(lora: Lora): number }[],
): Promise<Lora> {
  const lora = await loadLora(models.path("loras", name));
  const matched = networks.reduce((sum, network) => sum + network.matchLora(lora), 0);
  if (matched > 0) return lora;
  const [first] = lora.deltas.keys();
  throw new CodedError(
    "MODEL_INVALID",
    `LoRA ${JSON.stringify(name)} changes no layer of ${networks.map(({ family }) => family).join(" or ")}: ` +
      `it is for another model (its first of ${lora.deltas.size} layers is ${JSON.stringify(first)})`,
  );
}

function withLora<Value extends { readonly loras: readonly AppliedLora[] }>(
  value: Value,
  applied: AppliedLora,
): Value {
  return { ...value, loras: [...value.loras, applied] };
}
