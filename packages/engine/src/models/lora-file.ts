import type { LayerChange } from "./layer-change.ts";
import { changesOf, FORM_ENDS, type LoraLayer, lowRankChange } from "./lora-forms.ts";
import type { Lora, LoraDelta } from "./model.ts";
import { openWeights } from "./open-weights.ts";
import { readTensor } from "./read-tensor.ts";
import { unknownFile } from "./unknown-file.ts";
import { invalidModel, type TensorEntry, type Weights } from "./weights.ts";

/** How the two matrices of a layer are called by those who write LoRA files, behind the layer's name. */
const LOW_RANK: readonly (readonly [down: string, up: string])[] = [
  [".lora_down.weight", ".lora_up.weight"],
  ["_lora.down.weight", "_lora.up.weight"],
  [".lora_A.weight", ".lora_B.weight"],
  [".lora.down.weight", ".lora.up.weight"],
  [".lora_A", ".lora_B"],
  [".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"],
  [".lora_A.default.weight", ".lora_B.default.weight"],
];

const ENDS = [...LOW_RANK.map(([down]) => down), ...FORM_ENDS];

/** Reads what a LoRA file changes; its matrices stay in the file. Throws MODEL_INVALID for files of another kind. */
export async function loadLora(file: string): Promise<Lora> {
  const weights = await openWeights(file);
  const deltas = new Map<string, LoraDelta>();
  const changes = new Map<string, LayerChange[]>();
  for (const name of layersIn(weights)) {
    const layer = await openLayer(weights, name);
    if (layer.part(".reshape_weight") !== undefined) {
      throw invalidModel(weights.name, `"${name}" gets other sizes, which is not supported`);
    }
    const delta = lowRankOf(layer);
    const others = changesOf(layer);
    if (delta !== undefined && layer.magnitudes !== undefined) {
      others.unshift(lowRankChange(layer.id, delta, layer.magnitudes));
    } else if (delta !== undefined) deltas.set(name, delta);
    if (others.length > 0) changes.set(name, others);
  }
  if (deltas.size + changes.size === 0) throw unknownFile(weights, "a LoRA");
  return { id: weights.id, name: weights.name, deltas, changes };
}

function layersIn({ tensors }: Weights): ReadonlySet<string> {
  const names = new Set<string>();
  for (const key of tensors.keys()) {
    const end = ENDS.find((known) => key.endsWith(known));
    if (end !== undefined) names.add(key.slice(0, -end.length));
  }
  return names;
}

async function openLayer({ tensors, name: file, id }: Weights, name: string): Promise<LoraLayer> {
  const part = (end: string) => tensors.get(name + end);
  const alpha = part(".alpha");
  const magnitudes = part(".dora_scale");
  return {
    file,
    id: `${id} ${name}`,
    name,
    part,
    alpha: alpha === undefined ? undefined : await scalar(alpha),
    magnitudes:
      magnitudes === undefined
        ? undefined
        : { read: async () => (await readTensor(magnitudes)).data },
  };
}

/** The product of the matrices counts alpha / rank times; a file without alpha means 1. */
function lowRankOf(layer: LoraLayer): LoraDelta | undefined {
  const { name, file, alpha } = layer;
  for (const [downEnd, upEnd] of LOW_RANK) {
    const [down, up] = [layer.part(downEnd), layer.part(upEnd)];
    if (down === undefined) continue;
    if (up === undefined) {
      throw invalidModel(file, `"${name}${downEnd}" has no "${name}${upEnd}" beside it`);
    }
    const rank = down.shape[0] ?? 0;
    if (up.shape[1] !== rank) {
      throw invalidModel(file, `"${name}" goes down to ${rank} and up from ${up.shape[1] ?? 0}`);
    }
    const mid = layer.part(".lora_mid.weight");
    const scale = alpha === undefined ? 1 : alpha / rank;
    return { down, up, scale, ...(mid === undefined ? {} : { mid }) };
  }
  return undefined;
}

async function scalar(entry: TensorEntry): Promise<number> {
  return (await readTensor(entry)).data[0] ?? 1;
}
