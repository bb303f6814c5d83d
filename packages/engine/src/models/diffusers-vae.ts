import type { TensorEntry, Weights } from "./weights.ts";

/** A VAE under diffusers' names, under Stable Diffusion's; any other file comes back as it is. */
export function withDiffusersVaeRenamed(file: Weights): Weights {
  if (!file.tensors.has("decoder.up_blocks.0.resnets.0.norm1.weight")) return file;
  const levels = countLevels(file);
  const tensors = new Map<string, TensorEntry>();
  for (const [key, entry] of file.tensors) tensors.set(renamed(key, levels), entry);
  return { ...file, tensors };
}

function countLevels(file: Weights): number {
  let levels = 0;
  while (file.tensors.has(`decoder.up_blocks.${levels}.resnets.0.norm1.weight`)) levels += 1;
  return levels;
}

/** Applied in this order. */
const NAMES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/conv_shortcut/, "nin_shortcut"],
  [/conv_norm_out/, "norm_out"],
  [/mid_block\.attentions\.0\./, "mid.attn_1."],
  [/mid_block\.resnets\.0\./, "mid.block_1."],
  [/mid_block\.resnets\.1\./, "mid.block_2."],
  [/down_blocks\.(\d+)\.resnets\./, "down.$1.block."],
  [/down_blocks\.(\d+)\.downsamplers\.0\./, "down.$1.downsample."],
  [/(up\.\d+)\.resnets\./, "$1.block."],
  [/(up\.\d+)\.upsamplers\.0\./, "$1.upsample."],
  [/attn_1\.group_norm\./, "attn_1.norm."],
  [/attn_1\.(to_q|query)\./, "attn_1.q."],
  [/attn_1\.(to_k|key)\./, "attn_1.k."],
  [/attn_1\.(to_v|value)\./, "attn_1.v."],
  [/attn_1\.(to_out\.0|proj_attn)\./, "attn_1.proj_out."],
];

function renamed(key: string, levels: number): string {
  // The decoder's levels are counted from the other end.
  let name = key.replace(
    /^decoder\.up_blocks\.(\d+)\./,
    (_, level: string) => `decoder.up.${levels - 1 - Number(level)}.`,
  );
  for (const [pattern, replacement] of NAMES) {
    name = name.replace(pattern, replacement);
  }
  return name;
}
