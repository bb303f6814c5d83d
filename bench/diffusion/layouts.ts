/** Keys and shapes of full-size checkpoints, as CompVis's and Stability's files have them; only what the networks read. */

export type Layout = Map<string, readonly number[]>;

export interface ModelSize {
  readonly name: string;
  readonly base: number;
  /** Width of each level, in multiples of `base`. */
  readonly levels: readonly number[];
  /** Transformer blocks in each level's transformers; 0 for none. */
  readonly depths: readonly number[];
  readonly middleDepth: number;
  readonly context: number;
  readonly vector: number;
  /** Side of the latent that the model was made for. */
  readonly latentSide: number;
  readonly hasLinearProjections: boolean;
}

export const modelSizes = {
  sd15: {
    name: "SD 1.5",
    base: 320,
    levels: [1, 2, 4, 4],
    depths: [1, 1, 1, 0],
    middleDepth: 1,
    context: 768,
    vector: 0,
    latentSide: 64,
    hasLinearProjections: false,
  },
  sdxl: {
    name: "SDXL",
    base: 320,
    levels: [1, 2, 4],
    depths: [0, 2, 10],
    middleDepth: 10,
    context: 2048,
    vector: 2816,
    latentSide: 128,
    hasLinearProjections: true,
  },
  /** For trying the measurements themselves. */
  tiny: {
    name: "a tiny UNet",
    base: 32,
    levels: [1, 2],
    depths: [1, 1],
    middleDepth: 1,
    context: 768,
    vector: 0,
    latentSide: 16,
    hasLinearProjections: false,
  },
} as const satisfies Record<string, ModelSize>;

const RESIDUALS_A_LEVEL = 2;

/** UNet, VAE and the text encoders: CLIP-L, and OpenCLIP's bigG beside it where the UNet reads both. */
export function checkpointLayout(size: ModelSize): Layout {
  const isXl = size.vector > 0;
  const text = isXl
    ? [...clipLayout("conditioner.embedders.0."), ...openClipLayout("conditioner.embedders.1.")]
    : clipLayout("cond_stage_model.");
  return new Map([...unetLayout(size), ...vaeLayout(), ...text]);
}

function unetLayout(size: ModelSize): Layout {
  const keys = createKeys("model.diffusion_model.");
  const embedding = size.base * 4;
  keys.pair("time_embed.0", embedding, size.base);
  keys.pair("time_embed.2", embedding, embedding);
  if (size.vector > 0) {
    keys.pair("label_emb.0.0", embedding, size.vector);
    keys.pair("label_emb.0.2", embedding, embedding);
  }

  function residual(name: string, before: number, after: number): void {
    keys.pair(`${name}.in_layers.0`, before);
    keys.pair(`${name}.in_layers.2`, after, before, 3, 3);
    keys.pair(`${name}.emb_layers.1`, after, embedding);
    keys.pair(`${name}.out_layers.0`, after);
    keys.pair(`${name}.out_layers.3`, after, after, 3, 3);
    if (before !== after) keys.pair(`${name}.skip_connection`, after, before, 1, 1);
  }

  function transformer(name: string, width: number, depth: number): void {
    const projection = size.hasLinearProjections ? [width, width] : [width, width, 1, 1];
    keys.pair(`${name}.norm`, width);
    keys.pair(`${name}.proj_in`, ...projection);
    for (let index = 0; index < depth; index++) {
      const block = `${name}.transformer_blocks.${index}`;
      for (const [attention, source] of [
        ["attn1", width] as const,
        ["attn2", size.context] as const,
      ]) {
        keys.weight(`${block}.${attention}.to_q`, width, width);
        keys.weight(`${block}.${attention}.to_k`, width, source);
        keys.weight(`${block}.${attention}.to_v`, width, source);
        keys.pair(`${block}.${attention}.to_out.0`, width, width);
      }
      keys.pair(`${block}.ff.net.0.proj`, 8 * width, width);
      keys.pair(`${block}.ff.net.2`, width, 4 * width);
      for (const norm of ["norm1", "norm2", "norm3"]) keys.pair(`${block}.${norm}`, width);
    }
    keys.pair(`${name}.proj_out`, ...projection);
  }

  keys.pair("input_blocks.0.0", size.base, 4, 3, 3);
  const skips = [size.base];
  let width = size.base;
  const last = size.levels.length - 1;
  for (const [level, factor] of size.levels.entries()) {
    const depth = size.depths[level] ?? 0;
    for (let block = 0; block < RESIDUALS_A_LEVEL; block++) {
      residual(`input_blocks.${skips.length}.0`, width, size.base * factor);
      width = size.base * factor;
      if (depth > 0) transformer(`input_blocks.${skips.length}.1`, width, depth);
      skips.push(width);
    }
    if (level === last) continue;
    keys.pair(`input_blocks.${skips.length}.0.op`, width, width, 3, 3);
    skips.push(width);
  }
  residual("middle_block.0", width, width);
  transformer("middle_block.1", width, size.middleDepth);
  residual("middle_block.2", width, width);
  let index = 0;
  for (const [level, factor] of [...size.levels.entries()].reverse()) {
    const depth = size.depths[level] ?? 0;
    for (let block = 0; block <= RESIDUALS_A_LEVEL; block++) {
      residual(`output_blocks.${index}.0`, width + (skips.pop() ?? 0), size.base * factor);
      width = size.base * factor;
      if (depth > 0) transformer(`output_blocks.${index}.1`, width, depth);
      if (level > 0 && block === RESIDUALS_A_LEVEL) {
        keys.pair(`output_blocks.${index}.${depth > 0 ? 2 : 1}.conv`, width, width, 3, 3);
      }
      index += 1;
    }
  }
  keys.pair("out.0", width);
  keys.pair("out.2", 4, width, 3, 3);
  return keys.layout;
}

function vaeLayout(base = 128, levels = [1, 2, 4, 4]): Layout {
  const keys = createKeys("first_stage_model.");

  function residual(name: string, before: number, after: number): void {
    keys.pair(`${name}.norm1`, before);
    keys.pair(`${name}.conv1`, after, before, 3, 3);
    keys.pair(`${name}.norm2`, after);
    keys.pair(`${name}.conv2`, after, after, 3, 3);
    if (before !== after) keys.pair(`${name}.nin_shortcut`, after, before, 1, 1);
  }

  const top = base * (levels.at(-1) ?? 1);
  keys.pair("post_quant_conv", 4, 4, 1, 1);
  keys.pair("decoder.conv_in", top, 4, 3, 3);
  for (const block of ["block_1", "block_2"]) residual(`decoder.mid.${block}`, top, top);
  keys.pair("decoder.mid.attn_1.norm", top);
  for (const part of ["q", "k", "v", "proj_out"]) {
    keys.pair(`decoder.mid.attn_1.${part}`, top, top, 1, 1);
  }
  let width = top;
  for (const [level, factor] of [...levels.entries()].reverse()) {
    for (let block = 0; block <= RESIDUALS_A_LEVEL; block++) {
      residual(`decoder.up.${level}.block.${block}`, width, base * factor);
      width = base * factor;
    }
    if (level > 0) keys.pair(`decoder.up.${level}.upsample.conv`, width, width, 3, 3);
  }
  keys.pair("decoder.norm_out", width);
  keys.pair("decoder.conv_out", 3, width, 3, 3);
  return keys.layout;
}

function clipLayout(prefix: string, width = 768, layers = 12): Layout {
  const keys = createKeys(`${prefix}transformer.text_model.`);
  keys.weight("embeddings.token_embedding", 49_408, width);
  keys.weight("embeddings.position_embedding", 77, width);
  for (let index = 0; index < layers; index++) {
    const layer = `encoder.layers.${index}`;
    for (const norm of ["layer_norm1", "layer_norm2"]) keys.pair(`${layer}.${norm}`, width);
    for (const part of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
      keys.pair(`${layer}.self_attn.${part}`, width, width);
    }
    keys.pair(`${layer}.mlp.fc1`, 4 * width, width);
    keys.pair(`${layer}.mlp.fc2`, width, 4 * width);
  }
  keys.pair("final_layer_norm", width);
  return keys.layout;
}

function openClipLayout(prefix: string, width = 1280, layers = 32): Layout {
  const keys = createKeys(`${prefix}model.`);
  keys.bare("positional_embedding", 77, width);
  keys.bare("text_projection", width, width);
  keys.weight("token_embedding", 49_408, width);
  for (let index = 0; index < layers; index++) {
    const layer = `transformer.resblocks.${index}`;
    for (const norm of ["ln_1", "ln_2"]) keys.pair(`${layer}.${norm}`, width);
    keys.bare(`${layer}.attn.in_proj_weight`, 3 * width, width);
    keys.bare(`${layer}.attn.in_proj_bias`, 3 * width);
    keys.pair(`${layer}.attn.out_proj`, width, width);
    keys.pair(`${layer}.mlp.c_fc`, 4 * width, width);
    keys.pair(`${layer}.mlp.c_proj`, width, 4 * width);
  }
  keys.pair("ln_final", width);
  return keys.layout;
}

function createKeys(prefix: string) {
  const layout: Layout = new Map();
  const bare = (name: string, ...shape: number[]) => layout.set(`${prefix}${name}`, shape);
  const weight = (name: string, ...shape: number[]) => bare(`${name}.weight`, ...shape);
  return {
    layout,
    bare,
    weight,
    /** A weight and its bias. */
    pair(name: string, ...shape: number[]) {
      weight(name, ...shape);
      bare(`${name}.bias`, ...shape.slice(0, 1));
    },
  };
}
