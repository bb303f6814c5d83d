import type { Lora, LoraDelta } from "./model.ts";
import { openWeights } from "./open-weights.ts";
import { readTensor } from "./read-tensor.ts";
import { unknownFile } from "./unknown-file.ts";
import { invalidModel, type TensorEntry, type Weights } from "./weights.ts";

/** How the two matrices of a layer are called by those who write LoRA files, behind the layer's name. */
const FORMS: readonly (readonly [down: string, up: string])[] = [
  [".lora_down.weight", ".lora_up.weight"],
  [".lora_A.weight", ".lora_B.weight"],
  [".lora.down.weight", ".lora.up.weight"],
  ["_lora.down.weight", "_lora.up.weight"],
  [".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"],
];

/** Low-rank forms of other kinds, which a LoRA file may hold too. */
const OTHER_FORMS = [".hada_w1_a", ".lokr_w1", ".lora_mid.weight", ".diff", ".dora_scale"];

/** Reads what a LoRA file changes; its matrices stay in the file. Throws MODEL_INVALID for files of another kind. */
export async function loadLora(file: string): Promise<Lora> {
  const weights = await openWeights(file);
  const other = OTHER_FORMS.find((end) => keysEndingIn(weights, end).length > 0);
  if (other !== undefined) {
    const [key] = keysEndingIn(weights, other);
    throw invalidModel(weights.name, `"${key}" is of a low-rank form that is not supported`);
  }
  const deltas = new Map<string, LoraDelta>();
  for (const [downEnd, upEnd] of FORMS) {
    for (const key of keysEndingIn(weights, downEnd)) {
      const layer = key.slice(0, -downEnd.length);
      deltas.set(layer, await readDelta(weights, { layer, down: key, up: layer + upEnd }));
    }
  }
  if (deltas.size === 0) throw unknownFile(weights, "a LoRA");
  return { id: weights.id, name: weights.name, deltas };
}

function keysEndingIn({ tensors }: Weights, end: string): string[] {
  return [...tensors.keys()].filter((key) => key.endsWith(end));
}

/** The product of the matrices counts alpha / rank times; a file without alpha means 1. */
async function readDelta(
  weights: Weights,
  { layer, down: downKey, up: upKey }: { layer: string; down: string; up: string },
): Promise<LoraDelta> {
  const { tensors, name } = weights;
  const [down, up] = [tensors.get(downKey), tensors.get(upKey)];
  if (down === undefined || up === undefined) {
    throw invalidModel(name, `"${downKey}" has no "${upKey}" beside it`);
  }
  const rank = down.shape[0] ?? 0;
  if (up.shape[1] !== rank) {
    throw invalidModel(name, `"${layer}" goes down to ${rank} and up from ${up.shape[1] ?? 0}`);
  }
  const alpha = tensors.get(`${layer}.alpha`);
  return { down, up, scale: alpha === undefined ? 1 : (await scalar(alpha)) / rank };
}

async function scalar(entry: TensorEntry): Promise<number> {
  return (await readTensor(entry)).data[0] ?? 1;
}
