/**
 * The UNet of Stable Diffusion 1, 2 and XL (openaimodel.py of CompVis's latent-diffusion). What each block is made of
 * shows in its keys, all sizes in the shapes; only the number of attention heads has to be told.
 * B batch, C channels, h w latent pixels, L text tokens, D context width, E width of the timestep embedding.
 */
import type { Graph, Value } from "../ort/graph.ts";
import { type FreeU, type FreeUBlock, freeU } from "./free-u.ts";
import { gatedSelfAttention, gligenShape } from "./gligen.ts";
import { type Hypernetwork, hyperSources } from "./hypernetwork.ts";
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
  /** Add an input `freeu` [4]. */
  readonly freeU?: FreeU["version"] | undefined;
  /** What LoRAs change, by layer; their strengths become inputs `lora_0`, `lora_1`, ... [1]. @default [] */
  readonly loras?: readonly ReadonlyMap<string, LoraDelta>[];
  /** Their strengths become inputs `hypernetwork_0`, ... [1]. @default [] */
  readonly hypernetworks?: readonly Hypernetwork[];
  /** A GLIGEN file's layers, by block; what they attend to becomes the input `objects` [B,O,D]. */
  readonly gligen?: Weights | undefined;
  /** The middle block's self-attention passes each pixel's own value on. Ahn et al. 2024, arXiv:2403.17377. @default false */
  readonly isPerturbed?: boolean;
}

/**
 * Inputs x [B,C,h,w], timesteps [B], context [B,L,D] and, where the network wants it, y [B,A]; output `out` [B,C,h,w].
 * What ControlNets and T2I adapters add are inputs, too, a single 0 where nothing is: `control_0`, `control_1`, ... to
 * what goes over to the output blocks, `control_middle`, and `adapter_<block>` behind the blocks of `adapterBlocks`.
 */
export function buildUnet(graph: Graph, weights: Weights, options: UnetOptions): void {
  const unet = createLayers(graph, weights, lowRankBranches(graph, options.loras));
  const { outputChannels } = unetShape(weights);
  const { x, embedding, context } = unetInputs(unet, weights);
  const state: BlockState = {
    embedding: silu(graph, embedding),
    context,
    headsOf: options.headsOf,
    hypernetworks: (options.hypernetworks ?? []).map((hypernetwork, index) => ({
      hypernetwork,
      strength: graph.input(`hypernetwork_${index}`, [1]),
    })),
  };
  const fusion = fusionOf(graph, options.gligen);

  const inputBlocks = unet.count((index) => `input_blocks.${index}`);
  const outputBlocks = unet.count((index) => `output_blocks.${index}`);
  const adapted = new Set(adapterBlocks(weights));
  const skips: Value[] = [];
  let h = x;
  for (let index = 0; index < inputBlocks; index++) {
    const name = `input_blocks.${index}`;
    h = block(unet.under(name), h, { ...state, fusion: fusion(name) });
    if (adapted.has(index)) h = plusInput(graph, h, `adapter_${index}`);
    skips.push(plusInput(graph, h, `control_${index}`));
  }
  h = block(unet.under("middle_block"), h, {
    ...state,
    fusion: fusion("middle_block"),
    isPerturbed: options.isPerturbed === true,
  });
  h = plusInput(graph, h, "control_middle");
  if (outputBlocks !== inputBlocks) {
    throw invalidModel(
      weights.name,
      `its UNet has ${inputBlocks} input blocks and ${outputBlocks} output blocks`,
    );
  }
  const onWayUp = freeUOf(unet, options.freeU);
  for (let index = 0; index < inputBlocks; index++) {
    const skip = skips.pop();
    if (skip !== undefined) {
      const joined = onWayUp(index, { h, skip });
      h = graph.add("Concat", [joined.h, joined.skip], { axis: 1 });
    }
    const name = `output_blocks.${index}`;
    const blockState = { ...state, enlargedLike: skips.at(-1), fusion: fusion(name) };
    h = block(unet.under(name), h, blockState);
  }
  h = silu(graph, unet.groupNorm("out.0", h, RESIDUAL_EPSILON));
  graph.output("out", unet.conv("out.2", h), ["B", outputChannels, "h", "w"]);
}

type Meeting = Pick<FreeUBlock, "h" | "skip">;

/** What is done to an output block's two inputs; FreeU changes those of four and two times the base channels. */
function freeUOf(
  unet: Layers,
  version: FreeU["version"] | undefined,
): (index: number, meeting: Meeting) => Meeting {
  if (version === undefined) return (_, meeting) => meeting;
  const { graph } = unet;
  const numbers = graph.input("freeu", [4]);
  const [base = 0] = unet.shape("input_blocks.0.0.weight");
  return (index, meeting) => {
    const before = index === 0 ? "middle_block.0" : `output_blocks.${index - 1}.0`;
    const [channels = 0] = unet.shape(`${before}.out_layers.3.weight`);
    if (channels !== 4 * base && channels !== 2 * base) return meeting;
    const place = channels === 4 * base ? 0 : 1;
    return freeU(graph, { ...meeting, version, numbers, channels, place });
  };
}

/** What a UNet and a ControlNet made of it are told, with the embedding of timestep and vector. */
export function unetInputs(
  unet: Layers,
  weights: Weights,
): { readonly x: Value; readonly embedding: Value; readonly context: Value } {
  const { graph } = unet;
  const { inputChannels, contextWidth, vectorWidth } = unetShape(weights);
  const x = graph.input("x", ["B", inputChannels, "h", "w"]);
  const timesteps = graph.input("timesteps", ["B"], { raw: true });
  const context = contextWidth === 0 ? "" : graph.input("context", ["B", "L", contextWidth]);
  const embedding = twoLayers(unet, "time_embed", timestepEmbedding(unet, timesteps));
  if (vectorWidth === 0) return { x, embedding, context };
  const y = graph.input("y", ["B", vectorWidth]);
  const ofVector = twoLayers(unet.under("label_emb"), "0", y);
  return { x, embedding: graph.add("Add", [embedding, ofVector]), context };
}

export interface UnetShape {
  readonly modelChannels: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
  /** 0 for networks without attention. */
  readonly contextWidth: number;
  /** Of `y`; 0 for networks without. */
  readonly vectorWidth: number;
  /** Whether the transformers' projections are linear rather than 1x1 convolutions. */
  readonly hasLinearProjections: boolean;
}

export function unetShape(weights: Weights): UnetShape {
  const shapeOf = (key: string) => entryOf(weights, key).shape;
  const keys = [...weights.tensors.keys()];
  const shapeEndingIn = (end: string) => {
    const key = keys.find((known) => known.endsWith(end));
    return key === undefined ? [] : shapeOf(key);
  };
  const [modelChannels = 0, inputChannels = 0] = shapeOf("input_blocks.0.0.weight");
  return {
    modelChannels,
    inputChannels,
    outputChannels: weights.tensors.get("out.2.weight")?.shape[0] ?? 0,
    contextWidth: shapeEndingIn(".attn2.to_k.weight")[1] ?? 0,
    vectorWidth: weights.tensors.get("label_emb.0.0.weight")?.shape[1] ?? 0,
    hasLinearProjections: shapeEndingIn(".proj_in.weight").length === 2,
  };
}

/** The channels behind each input block, which are those of what goes over to the output blocks. */
export function skipChannels({ tensors }: Pick<Weights, "tensors">): readonly number[] {
  const channels: number[] = [];
  for (;;) {
    const start = `input_blocks.${channels.length}.0`;
    const made = ["in_layers.2.weight", "op.weight", "weight"]
      .map((end) => tensors.get(`${start}.${end}`))
      .find((entry) => entry !== undefined);
    if (made === undefined) return channels;
    channels.push(made.shape[0] ?? 0);
  }
}

/** Where T2I adapters may add: at the end of each level, and behind the halving after it. */
export function adapterBlocks({ tensors }: Pick<Weights, "tensors">): readonly number[] {
  const isHalving = (index: number) => tensors.has(`input_blocks.${index}.0.op.weight`);
  const count = skipChannels({ tensors }).length;
  return Array.from({ length: count }, (_, index) => index).filter(
    (index) => isHalving(index) || isHalving(index + 1) || index === count - 1,
  );
}

/** What all blocks get to see. */
export interface BlockState {
  /** silu(timestep embedding): [B,E] */
  readonly embedding: Value;
  /** [B,L,D] */
  readonly context: Value;
  readonly headsOf: UnetOptions["headsOf"];
  /** The map whose height and width an upsampling is to meet: odd sizes then work. */
  readonly enlargedLike?: Value | undefined;
  readonly hypernetworks?: readonly {
    readonly hypernetwork: Hypernetwork;
    readonly strength: Value;
  }[];
  /** What of GLIGEN a block has. */
  readonly fusion?: Fusion | undefined;
  readonly isPerturbed?: boolean;
}

interface Fusion {
  readonly fuser: Layers;
  readonly objects: Value;
}

/** By the name of a block. */
function fusionOf(
  graph: Graph,
  gligen: Weights | undefined,
): (block: string) => Fusion | undefined {
  if (gligen === undefined) return () => undefined;
  const layers = createLayers(graph, gligen);
  const objects = graph.input("objects", ["B", "O", gligenShape(gligen).tokenWidth]);
  return (name) =>
    layers.hasBelow(`${name}.fuser`)
      ? { fuser: layers.under(`${name}.fuser`), objects }
      : undefined;
}

/** The layers 0, 1, 2... of one block, told apart by their keys. */
export function block(layers: Layers, x: Value, state: BlockState): Value {
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
  const attn1 = layer.under("attn1");
  const seen =
    state.isPerturbed === true ? ownValues(attn1, n1, state) : crossAttention(attn1, n1, n1, state);
  let h = graph.add("Add", [x, seen]);
  if (state.fusion !== undefined) {
    const { fuser, objects } = state.fusion;
    const { heads, width: channels } = state;
    h = gatedSelfAttention(fuser, h, { objects, heads, channels, feedForward });
  }
  const n2 = layer.layerNorm("norm2", h);
  h = graph.add("Add", [h, crossAttention(layer.under("attn2"), n2, state.context, state)]);
  return graph.add("Add", [h, feedForward(layer.under("ff.net"), layer.layerNorm("norm3", h))]);
}

function crossAttention(layer: Layers, x: Value, source: Value, state: TransformerState): Value {
  const [, width = 0] = layer.shape("to_k.weight");
  const { hypernetworks = [] } = state;
  const { keys, values } = hyperSources(layer.graph, source, { width, hypernetworks });
  const mixed = attention(layer.graph, {
    q: layer.linear("to_q", x, { bias: false }),
    k: layer.linear("to_k", keys, { bias: false }),
    v: layer.linear("to_v", values, { bias: false }),
    heads: state.heads,
    channels: state.width,
  });
  return layer.linear("to_out.0", mixed);
}

/** Self-attention whose map is the identity. */
function ownValues(layer: Layers, x: Value, { hypernetworks = [] }: TransformerState): Value {
  const [, width = 0] = layer.shape("to_v.weight");
  const { values } = hyperSources(layer.graph, x, { width, hypernetworks });
  return layer.linear("to_out.0", layer.linear("to_v", values, { bias: false }));
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

export function twoLayers(
  layers: Layers,
  name: string,
  x: Value,
  [first, second]: readonly [string, string] = ["0", "2"],
): Value {
  const hidden = silu(layers.graph, layers.linear(`${name}.${first}`, x, { rank: 2 }));
  return layers.linear(`${name}.${second}`, hidden, { rank: 2 });
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

/** One number, 0, in place of a map leaves h as it is. */
function plusInput(graph: Graph, h: Value, name: string): Value {
  const shape = ["B", "C", "h", "w"].map((side) => `${name}_${side}`);
  return graph.add("Add", [h, graph.input(name, shape)]);
}
