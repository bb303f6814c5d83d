import { CodedError } from "@rabbitloom/protocol";
import { loadLora } from "../../models/lora-file.ts";
import type { AppliedLora, Lora } from "../../models/model.ts";
import type { NodeContext } from "../context.ts";
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
  run: async ({ lora_name, strength_model, strength_clip, ...inputs }, context) => {
    const lora = await openLora(context, lora_name, [inputs.model.network, inputs.clip.network]);
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
  run: async ({ lora_name, strength_model, ...inputs }, context) => {
    const lora = await openLora(context, lora_name, [inputs.model.network]);
    return [withLora(inputs.model, { lora, strength: strength_model })];
  },
});

interface PatchedNetwork {
  readonly family: string;
  matchLora(lora: Lora): ReadonlySet<string>;
}

/** Says on the node which of the file's layers have no place. Throws MODEL_INVALID when none has one. */
async function openLora(
  { models, sendText }: NodeContext,
  name: string,
  networks: readonly PatchedNetwork[],
): Promise<Lora> {
  const lora = await loadLora(models.path("loras", name));
  const used = new Set(networks.flatMap((network) => [...network.matchLora(lora)]));
  const layers = [...new Set([...lora.deltas.keys(), ...lora.changes.keys()])];
  const unused = layers.filter((layer) => !used.has(layer));
  const families = networks.map(({ family }) => family).join(" or ");
  if (used.size === 0) {
    throw new CodedError(
      "MODEL_INVALID",
      `LoRA ${JSON.stringify(name)} changes no layer of ${families}: ` +
        `it is for another model (its first of ${layers.length} layers is ${JSON.stringify(layers[0])})`,
    );
  }
  if (unused.length > 0) {
    sendText(
      `LoRA ${JSON.stringify(name)}: of its ${layers.length} layers, ${used.size} used, ` +
        `${unused.length} without a place in ${families} (the first is ${JSON.stringify(unused[0])}).`,
    );
  }
  return lora;
}

function withLora<Value extends { readonly loras: readonly AppliedLora[] }>(
  value: Value,
  applied: AppliedLora,
): Value {
  return { ...value, loras: [...value.loras, applied] };
}
