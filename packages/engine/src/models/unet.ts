/**
 * The UNet of Stable Diffusion 1, 2 and XL (openaimodel.py of CompVis's latent-diffusion). What each block is made of
 * shows in its keys, all sizes in the shapes; only the number of attention heads has to be told.
 * B batch, C channels, h w latent pixels, L text tokens, D context width, E width of the timestep embedding.
 */
import type { Graph, Value } from "../ort/graph.ts";
import { createLayers, type Layers, lowRankBranches } from "./layers.ts";
import type { LoraDelta } from "./model.ts";
import { attention, enlarge, silu, toMap, toTokens } from "./operators.ts";
import { entryOf, invalidModel, type Weights } from "./weights.ts";

const RESIDUAL_EPSILON = 1e-5;
const TRANSFORMER_EPSILON = 1e-6;
const MAX_PERIOD = 10_000;

export interface UnetOptions {
  /** Attention heads of a block with this many channels. */
  headsOf(channels: number): number;
  /** Add inputs `control_0`, `control_1`, ... and `control_middle` for what a ControlNet puts out. @default false */
  readonly control?: boolean;
  /** What LoRAs change, by layer; their strengths become inputs `lora_0`, `lora_1`, ... [1]. @default [] */
  readonly loras?: readonly ReadonlyMap<string, LoraDelta>[];
}

/** Inputs x [B,C,h,w], timesteps [B], context [B,L,D] and, where the network wants it, y [B,A]; output `out` [B,C,h,w]. */
export function buildUnet(graph: Graph, weights: Weights, options: UnetOptions): void {
  const unet = createLayers(graph, weights, lowRankBranches(graph, options.loras));
  const { inputChannels, outputChannels, contextWidth, vectorWidth } = unetShape(weights);
  const x = graph.input("x", ["B", inputChannels, "h", "w"]);
  const timesteps = graph.input("timesteps", ["B"], { raw: true });
  const context = graph.input("context", ["B", "L", contextWidth]);
  let embedding = twoLayers(unet, "time_embed", timestepEmbedding(unet, timesteps));
  if (vectorWidth > 0) {
    const y = graph.input("y", ["B", vectorWidth]);
    embedding = graph.add("Add", [embedding, twoLayers(unet.under("label_emb"), "0", y)]);
  }
  const state: BlockState = {
    embedding: silu(graph, embedding),
    context,
    headsOf: options.headsOf,
  };

  const inputBlocks = unet.count((index) => `input_blocks.${index}`);
  const outputBlocks = unet.count((index) => `output_blocks.${index}`);
  const skips: Value[] = [];
  let h = x;
  for (let index = 0; index < inputBlocks; index++) {
    h = block(unet.under(`input_blocks.${index}`), h, state);
    skips.push(options.control ? plus(graph, h, `control_${index}`) : h);
  }
  h = block(unet.under("middle_block"), h, state);
  if (options.control) h = plus(graph, h, "control_middle");
  if (outputBlocks !== inputBlocks) {
    throw invalidModel(
      weights.name,
      `its UNet has ${inputBlocks} input blocks and ${outputBlocks} output blocks`,
    );
  }
  for (let index = 0; index < inputBlocks; index++) {
    const skip = skips.pop();
    if (skip !== undefined) h = graph.add("Concat", [h, skip], { axis: 1 });
    h = block(unet.under(`output_blocks.${index}`), h, { ...state, enlargedLike: skips.at(-1) });
  }
  h = silu(graph, unet.groupNorm("out.0", h, RESIDUAL_EPSILON));
  graph.output("out", unet.conv("out.2", h), ["B", outputChannels, "h", "w"]);
}

export interface UnetShape {
  readonly modelChannels: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly contextWidth: number;
  /** Of `y`; 0 for networks without. */
  readonly vectorWidth: number;
  /** Whether the transformers' projections are linear rather than 1x1 convolutions. */
  readonly hasLinearProjections: boolean;
}

export function unetShape(weights: Weights): UnetShape {
  const shapeOf = (key: string) => entryOf(weights, key).shape;
  const keys = [...weights.tensors.keys()];
  const keyEndingIn = (end: string) => keys.find((key) => key.endsWith(end)) ?? `(any)${end}`;
  const [modelChannels = 0, inputChannels = 0] = shapeOf("input_blocks.0.0.weight");
  return {
    modelChannels,
    inputChannels,
    outputChannels: shapeOf("out.2.weight")[0] ?? 0,
    contextWidth: shapeOf(keyEndingIn(".attn2.to_k.weight"))[1] ?? 0,
    vectorWidth: weights.tensors.get("label_emb.0.0.weight")?.shape[1] ?? 0,
    hasLinearProjections: shapeOf(keyEndingIn(".proj_in.weight")).length === 2,
  };
}

/** What all blocks get to see. */
interface BlockState {
  /** silu(timestep embedding): [B,E] */
  readonly embedding: Value;
  /** [B,L,D] */
  readonly context: Value;
  readonly headsOf: UnetOptions["headsOf"];
  /** The map whose height and width an upsampling is to meet: odd sizes then work. */
  readonly enlargedLike?: Value | undefined;
}

/** The layers 0, 1, 2... of one block, told apart by their keys. */
function block(layers: Layers, x: Value, state: BlockState): Value {
  let h = x;
  const count = layers.count(String);
  for (let index = 0; index < count; index++) {
    const layer = layers.under(String(index));
    if (layer.has("in_layers.0.weight")) h = residualBlock(layer, h, state);
    else if (layer.has("norm.weight")) h = spatialTransformer(layer, h, state);
    else if (layer.has("op.weight")) h = layer.conv("op", h, { stride: 2 });
    else if (layer.has("conv.weight")) h = upsample(layer, h, state);
    else h = layers.conv(String(index), h);
  }
  return h;
}

function residualBlock(layer: Layers, x: Value, { embedding }: BlockState): Value {
  const { graph } = layer;
  let h = silu(graph, layer.groupNorm("in_layers.0", x, RESIDUAL_EPSILON));
  h = layer.conv("in_layers.2", h);
  const shift = layer.linear("emb_layers.1", embedding, { rank: 2 });
  h = graph.add("Add", [h, graph.add("Unsqueeze", [shift, graph.integers([2, 3])])]);
  h = silu(graph, layer.groupNorm("out_layers.0", h, RESIDUAL_EPSILON));
  h = layer.conv("out_layers.3", h);
  const [after, before] = layer.shape("in_layers.2.weight");
  const kept = after === before ? x : layer.conv("skip_connection", x);
  return graph.add("Add", [kept, h]);
}

function spatialTransformer(layer: Layers, x: Value, state: BlockState): Value {
  const { graph } = layer;
  const [channels = 0] = layer.shape("norm.weight");
  const [width = 0] = layer.shape("proj_in.weight");
  const heads = state.headsOf(width);
  let h = toTokens(graph, layer.groupNorm("norm", x, TRANSFORMER_EPSILON), channels);
  h = layer.linear("proj_in", h);
  const depth = layer.count((index) => `transformer_blocks.${index}`);
  for (let index = 0; index < depth; index++) {
    h = transformerBlock(layer.under(`transformer_blocks.${index}`), h, { ...state, heads, width });
  }
  h = toMap(graph, layer.linear("proj_out", h), { like: x, channels });
  return graph.add("Add", [x, h]);
}

interface TransformerState extends BlockState {
  readonly heads: number;
  readonly width: number;
}

/** Attention among the pixels, attention to the text, feed-forward. x: [B,hw,C] */
function transformerBlock(layer: Layers, x: Value, state: TransformerState): Value {
  const { graph } = layer;
  const n1 = layer.layerNorm("norm1", x);
  let h = graph.add("Add", [x, crossAttention(layer.under("attn1"), n1, n1, state)]);
  const n2 = layer.layerNorm("norm2", h);
  h = graph.add("Add", [h, crossAttention(layer.under("attn2"), n2, state.context, state)]);
  return graph.add("Add", [h, feedForward(layer.under("ff.net"), layer.layerNorm("norm3", h))]);
}

function crossAttention(layer: Layers, x: Value, source: Value, state: TransformerState): Value {
  const mixed = attention(layer.graph, {
    q: layer.linear("to_q", x, { bias: false }),
    k: layer.linear("to_k", source, { bias: false }),
    v: layer.linear("to_v", source, { bias: false }),
    heads: state.heads,
    channels: state.width,
  });
  return layer.linear("to_out.0", mixed);
}

/** GEGLU: value gelu(gate). The projection's rows are the value's, then the gate's. Shazeer 2020, arXiv:2002.05202. */
function feedForward(layer: Layers, x: Value): Value {
  const { graph } = layer;
  const half = (layer.shape("0.proj.weight")[0] ?? 0) / 2;
  const value = layer.linear("0.proj", x, { rows: [0, half] });
  const gate = graph.add("Gelu", [layer.linear("0.proj", x, { rows: [half, 2 * half] })]);
  return layer.linear("2", graph.add("Mul", [value, gate]));
}

function upsample(layer: Layers, x: Value, { enlargedLike }: BlockState): Value {
  return layer.conv("conv", enlarge(layer.graph, x, enlargedLike));
}

function twoLayers(layers: Layers, name: string, x: Value): Value {
  const hidden = silu(layers.graph, layers.linear(`${name}.0`, x, { rank: 2 }));
  return layers.linear(`${name}.2`, hidden, { rank: 2 });
}

/** [B] to [B,C]: cos(t f_i), then sin(t f_i), with f_i = MAX_PERIOD^(-i / (C/2)). Computed in F32: t f reaches 999. */
function timestepEmbedding(unet: Layers, timesteps: Value): Value {
  const { graph } = unet;
  const half = (unet.shape("time_embed.0.weight")[1] ?? 0) / 2;
  const frequencies = Array.from({ length: half }, (_, i) =>
    Math.exp((-Math.log(MAX_PERIOD) * i) / half),
  );
  const angles = graph.add("Mul", [
    graph.add("Unsqueeze", [timesteps, graph.integers([1])]),
    graph.constant(frequencies, [1, half], { raw: true }),
  ]);
  const waves = [graph.add("Cos", [angles]), graph.add("Sin", [angles])];
  return graph.computed(graph.add("Concat", waves, { axis: 1 }));
}

function plus(graph: Graph, h: Value, control: string): Value {
  return graph.add("Add", [
    h,
    graph.input(control, ["B", `${control}_C`, `${control}_h`, `${control}_w`]),
  ]);
}
