/** What LoRA files call the layers of a network: by Stable Diffusion's own names, by diffusers', with dots or underscores. */
import type { LayerChange } from "./layer-change.ts";
import type { Lora, LoraDelta } from "./model.ts";
import { invalidModel, type Weights } from "./weights.ts";

/** For each layer of a network, the names that a LoRA file may call it by. */
export type LayerAliases = ReadonlyMap<string, readonly string[]>;

export function unetAliases(unet: Weights): LayerAliases {
  const diffusers = diffusersNames(unet);
  return aliasesOf(unet, (layer) => {
    const other = diffusers(layer);
    const own = [underscored("lora_unet", layer), `diffusion_model.${layer}`, layer];
    if (other === undefined) return own;
    const processor = other.replace(/\.(to_[qkv]|to_out)(\.0)?$/, ".processor.$1");
    return [
      ...own,
      underscored("lora_unet", other),
      underscored("lycoris", other),
      other,
      processor,
      `unet.${other}`,
      `unet.${processor}`,
    ];
  });
}

/** Of the first or second text tower; layers have Hugging Face's names. */
export function textAliases(
  tower: Weights,
  { index, slot }: { index: number; slot: "l" | "g" },
): LayerAliases {
  const starts = index === 0 ? ["lora_te", "lora_te1"] : ["lora_te2"];
  const dotted = index === 0 ? "text_encoder" : "text_encoder_2";
  const part = slot === "l" ? "clip_l" : "clip_g";
  return aliasesOf(tower, (layer) => [
    ...starts.map((start) => underscored(start, layer)),
    `${dotted}.${layer}`,
    `text_encoders.${part}.transformer.${layer}`,
  ]);
}

/** The changes of a LoRA by the network's own layer names. */
export interface MatchedLora {
  /** Those of the file's own names for layers that are used. */
  readonly names: ReadonlySet<string>;
  readonly deltas: ReadonlyMap<string, LoraDelta>;
  readonly changes: ReadonlyMap<string, readonly LayerChange[]>;
}

/** Throws MODEL_INVALID where the sizes are another network's. */
export function matchLora({
  lora,
  weights,
  aliases,
}: {
  lora: Lora;
  weights: Weights;
  aliases: LayerAliases;
}): MatchedLora {
  const used = new Set<string>();
  const deltas = new Map<string, LoraDelta>();
  const changes = new Map<string, readonly LayerChange[]>();
  const refuse = (name: string, sizes: string) =>
    invalidModel(lora.name, `it is for another model: its "${name}" ${sizes}`);
  for (const [layer, names] of aliases) {
    const shape = weights.tensors.get(`${layer}.weight`)?.shape ?? [];
    const name = names.find((alias) => lora.deltas.has(alias) || lora.changes.has(alias));
    if (name === undefined) continue;
    used.add(name);
    const delta = lora.deltas.get(name);
    if (delta !== undefined) {
      const [outputs, inputs] = [delta.up.shape[0], delta.down.shape[1]];
      if (outputs !== shape[0] || inputs !== shape[1]) {
        const own = `the layer of ${JSON.stringify(weights.name)} ${shape[1]} to ${shape[0]}`;
        throw refuse(name, `takes ${inputs} to ${outputs}, ${own}`);
      }
      deltas.set(layer, delta);
    }
    const others = lora.changes.get(name) ?? [];
    for (const change of others) {
      const own = weights.tensors.get(`${layer}.${change.part}`)?.shape;
      if (own !== undefined && !change.fits(own)) {
        throw refuse(
          name,
          `does not fit the ${change.part} [${own.join(", ")}] of ${JSON.stringify(weights.name)}`,
        );
      }
    }
    if (others.length > 0) changes.set(layer, others);
  }
  return { names: used, deltas, changes };
}

function aliasesOf(
  { tensors }: Weights,
  namesOf: (layer: string) => readonly string[],
): LayerAliases {
  const aliases = new Map<string, readonly string[]>();
  for (const key of tensors.keys()) {
    if (!key.endsWith(".weight")) continue;
    const layer = key.slice(0, -".weight".length);
    aliases.set(layer, namesOf(layer));
  }
  return aliases;
}

const underscored = (start: string, layer: string) => `${start}_${layer.replaceAll(".", "_")}`;

const WHOLE_NAMES: Readonly<Record<string, string>> = {
  "input_blocks.0.0": "conv_in",
  "out.0": "conv_norm_out",
  "out.2": "conv_out",
  "time_embed.0": "time_embedding.linear_1",
  "time_embed.2": "time_embedding.linear_2",
  "label_emb.0.0": "add_embedding.linear_1",
  "label_emb.0.2": "add_embedding.linear_2",
};

const RESIDUAL_NAMES: Readonly<Record<string, string>> = {
  "in_layers.0": "norm1",
  "in_layers.2": "conv1",
  "emb_layers.1": "time_emb_proj",
  "out_layers.0": "norm2",
  "out_layers.3": "conv2",
  skip_connection: "conv_shortcut",
};

/** diffusers counts levels, and blocks within them; Stable Diffusion counts all blocks through. */
function diffusersNames(unet: Weights): (layer: string) => string | undefined {
  const places = blockPlaces(unet);
  return (layer) => {
    const whole = WHOLE_NAMES[layer];
    if (whole !== undefined) return whole;
    const [, block = "", part = "", rest = ""] =
      /^(middle_block|\w+_blocks\.\d+)(?:\.(\d+))\.(.+)$/.exec(layer) ?? [];
    const place = places.get(block);
    if (place === undefined) return undefined;
    if (rest === "op") return `${place.level}.downsamplers.0.conv`;
    if (rest === "conv") return `${place.level}.upsamplers.0.conv`;
    const residual = RESIDUAL_NAMES[rest];
    const isSecond = block === "middle_block" && part === "2";
    if (residual !== undefined) {
      return `${place.level}.resnets.${isSecond ? 1 : place.index}.${residual}`;
    }
    return `${place.level}.attentions.${place.index}.${rest}`;
  };
}

interface BlockPlace {
  readonly level: string;
  readonly index: number;
}

function blockPlaces({ tensors }: Weights): ReadonlyMap<string, BlockPlace> {
  const places = new Map<string, BlockPlace>([["middle_block", { level: "mid_block", index: 0 }]]);
  let [level, index, perLevel] = [0, 0, 0];
  let block = 1;
  for (; tensors.has(firstWeight(block)) || tensors.has(downsampling(block)); block++) {
    places.set(`input_blocks.${block}`, { level: `down_blocks.${level}`, index });
    index += 1;
    perLevel = Math.max(perLevel, index);
    if (tensors.has(downsampling(block))) {
      perLevel = index - 1;
      level += 1;
      index = 0;
    }
  }
  // Each level goes up with one block more than down.
  for (let output = 0; output < block; output++) {
    const up = Math.floor(output / (perLevel + 1));
    const place = { level: `up_blocks.${up}`, index: output % (perLevel + 1) };
    places.set(`output_blocks.${output}`, place);
  }
  return places;
}

const firstWeight = (block: number) => `input_blocks.${block}.0.in_layers.0.weight`;
const downsampling = (block: number) => `input_blocks.${block}.0.op.weight`;
