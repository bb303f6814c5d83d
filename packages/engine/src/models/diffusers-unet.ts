import type { TensorEntry, Weights } from "./weights.ts";

/** A key that only a UNet with the names of the diffusers library has. */
export const DIFFUSERS_UNET_MARK = "up_blocks.0.resnets.0.conv1.weight";
/** A key that only a ControlNet with those names has. */
export const DIFFUSERS_CONTROLNET_MARK = "controlnet_cond_embedding.conv_in.weight";

/**
 * The same under Stable Diffusion's names. diffusers counts levels and blocks within them, Stable Diffusion all blocks
 * through: r residual blocks and a halving a level on the way down, r + 1 on the way up. Other keys are kept.
 */
export function withOwnUnetNames(file: Weights): Weights {
  let residualBlocks = 0;
  while (file.tensors.has(`down_blocks.0.resnets.${residualBlocks}.conv1.weight`)) {
    residualBlocks += 1;
  }
  const blocks = { perLevel: residualBlocks + 1, has: (start: string) => starts.has(start) };
  const starts = new Set(
    [...file.tensors.keys()].map((key) => key.split(".").slice(0, 4).join(".")),
  );
  const tensors = new Map<string, TensorEntry>();
  for (const [key, entry] of file.tensors) {
    const dot = key.lastIndexOf(".");
    const [layer, end] = [key.slice(0, dot), key.slice(dot)];
    tensors.set(ownName(layer, blocks) + end, entry);
  }
  return { ...file, tensors };
}

interface Blocks {
  /** Of a level, with the one that changes the size. */
  readonly perLevel: number;
  /** Whether keys start with four parts. */
  has(start: string): boolean;
}

const WHOLE_NAMES: Readonly<Record<string, string>> = {
  conv_in: "input_blocks.0.0",
  conv_norm_out: "out.0",
  conv_out: "out.2",
  "time_embedding.linear_1": "time_embed.0",
  "time_embedding.linear_2": "time_embed.2",
  "add_embedding.linear_1": "label_emb.0.0",
  "add_embedding.linear_2": "label_emb.0.2",
  "class_embedding.linear_1": "label_emb.0.0",
  "class_embedding.linear_2": "label_emb.0.2",
  controlnet_mid_block: "middle_block_out.0",
  "controlnet_cond_embedding.conv_in": "input_hint_block.0",
  "controlnet_cond_embedding.conv_out": "input_hint_block.14",
};

const RESIDUAL_NAMES: Readonly<Record<string, string>> = {
  norm1: "in_layers.0",
  conv1: "in_layers.2",
  time_emb_proj: "emb_layers.1",
  norm2: "out_layers.0",
  conv2: "out_layers.3",
  conv_shortcut: "skip_connection",
};

function ownName(layer: string, { perLevel, has }: Blocks): string {
  const whole = WHOLE_NAMES[layer];
  if (whole !== undefined) return whole;
  const [, zero] = /^controlnet_down_blocks\.(\d+)$/.exec(layer) ?? [];
  if (zero !== undefined) return `zero_convs.${zero}.0`;
  const [, hint] = /^controlnet_cond_embedding\.blocks\.(\d+)$/.exec(layer) ?? [];
  if (hint !== undefined) return `input_hint_block.${2 * Number(hint) + 2}`;

  const [, way, level = "", kind, index = "", rest = ""] =
    /^(down|up|mid)_block(?:s\.(\d+))?\.(\w+)\.(\d+)\.(.+)$/.exec(layer) ?? [];
  const ownRest = RESIDUAL_NAMES[rest] ?? rest;
  if (way === "mid") {
    return kind === "attentions"
      ? `middle_block.1.${rest}`
      : `middle_block.${2 * Number(index)}.${ownRest}`;
  }
  const first = Number(level) * perLevel;
  const block = way === "down" ? 1 + first + Number(index) : first + Number(index);
  const path = way === "down" ? "input_blocks" : "output_blocks";
  switch (kind) {
    case "resnets":
      return `${path}.${block}.0.${ownRest}`;
    case "attentions":
      return `${path}.${block}.1.${rest}`;
    case "downsamplers":
      return `input_blocks.${first + perLevel}.0.op`;
    case "upsamplers": {
      const last = perLevel - 1;
      const place = has(`up_blocks.${level}.attentions.${last}`) ? 2 : 1;
      return `output_blocks.${first + last}.${place}.conv`;
    }
    default:
      return layer;
  }
}
