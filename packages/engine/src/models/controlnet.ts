/**
 * A ControlNet: the way down of a UNet that sees a picture too, and puts out what is added to the UNet's own way over.
 * Zhang et al. 2023, arXiv:2302.05543; for several kinds of pictures, ControlNetPlus of xinsir6. Sizes as in unet.ts; H W
 * pixels of the picture, 8 h and 8 w; N kinds.
 */
import type { Graph, Value } from "../ort/graph.ts";
import { createLayers, type Layers, type LowRankBranches } from "./layers.ts";
import { attention, gatedSigmoid, shapePart, silu } from "./operators.ts";
import { block, skipChannels, twoLayers, type UnetOptions, unetInputs } from "./unet.ts";
import type { Weights } from "./weights.ts";

/** Of the eight convolutions that the picture goes through. */
const HINT_STRIDES = [1, 1, 2, 1, 2, 1, 2, 1];
const KIND_HEADS = 8;
const QUICK_GELU_ALPHA = 1.702;
/** Numbers that the mark of one kind becomes. */
export const KIND_WIDTH = 256;

export interface ControlNetOptions extends Pick<UnetOptions, "headsOf"> {
  /** What each residual is over the whole map, instead of where it is. */
  readonly isAveraged: boolean;
  readonly branches?: readonly LowRankBranches[];
}

/**
 * Inputs x, timesteps, context and y as the UNet's, `hint` [B,C,H,W] with 0..1, `strength` [1]; with several kinds also
 * `kind` [1,N], 1 at the one that is told and all 0 where none is, and `kind_waves` [1,256 N]. Outputs `skip_0`, `skip_1`,
 * ... [B,C,h,w] for what goes over from the UNet's input blocks, and `middle`.
 */
export function buildControlNet(graph: Graph, weights: Weights, options: ControlNetOptions): void {
  const net = createLayers(graph, weights, options.branches);
  const inputs = unetInputs(net, weights);
  const [, hintChannels = 0] = net.shape("input_hint_block.0.weight");
  const hint = graph.input("hint", ["hint_B", hintChannels, "H", "W"]);
  const strength = graph.input("strength", [1]);
  const kinds = kindsOf(weights);
  const embedding =
    kinds === 0
      ? inputs.embedding
      : graph.add("Add", [inputs.embedding, kindEmbedding(net, kinds)]);
  const state = {
    embedding: silu(graph, embedding),
    context: inputs.context,
    headsOf: options.headsOf,
  };
  const seen = hintBlock(net.under("input_hint_block"), hint);
  const guided = kinds === 0 ? seen : kindFusion(net, seen, kinds);

  let h = inputs.x;
  skipChannels(weights).forEach((channels, index) => {
    h = block(net.under(`input_blocks.${index}`), h, state);
    if (index === 0) h = graph.add("Add", [h, guided]);
    put(`skip_${index}`, net.conv(`zero_convs.${index}.0`, h), channels);
  });
  h = block(net.under("middle_block"), h, state);
  const [channels = 0] = net.shape("middle_block_out.0.weight");
  put("middle", net.conv("middle_block_out.0", h), channels);

  function put(name: string, residual: Value, channels: number): void {
    const whole = options.isAveraged ? averaged(graph, residual) : residual;
    const sides = ["B", channels, `${name}_h`, `${name}_w`];
    graph.output(name, graph.add("Mul", [whole, strength]), sides);
  }
}

/** How many kinds of pictures a net is told apart; 0 for one that knows one kind. */
export function kindsOf({ tensors }: Weights): number {
  return tensors.get("task_embedding")?.shape[0] ?? 0;
}

function hintBlock(layers: Layers, hint: Value): Value {
  const { graph } = layers;
  return HINT_STRIDES.reduce((h, stride, index) => {
    const name = String(index * 2);
    return layers.conv(name, index === 0 ? h : silu(graph, h), { stride });
  }, hint);
}

/** ControlAddEmbedding */
function kindEmbedding(net: Layers, kinds: number): Value {
  const waves = net.graph.input("kind_waves", [1, kinds * KIND_WIDTH]);
  return twoLayers(net, "control_add_embedding", waves, ["linear_1", "linear_2"]);
}

/** The told kind shifts the picture's map by channel, through what a transformer makes of the map's mean. */
function kindFusion(net: Layers, seen: Value, kinds: number): Value {
  const { graph } = net;
  const kind = graph.input("kind", [1, kinds]);
  const mean = graph.add("ReduceMean", [seen, graph.integers([2, 3])], { keepdims: 0 });
  const named = graph.add("MatMul", [kind, net.weight("task_embedding")]);
  const token = graph.add("Unsqueeze", [graph.add("Add", [mean, named]), graph.integers([1])]);
  const mixed = residualAttentionBlock(net.under("transformer_layes.0"), token, KIND_HEADS);
  const alpha = net.linear("spatial_ch_projs", graph.add("Squeeze", [mixed, graph.integers([1])]), {
    rank: 2,
  });
  const isTold = graph.add("ReduceSum", [kind, graph.integers([1])]);
  const shift = graph.add("Unsqueeze", [graph.add("Mul", [alpha, isTold]), graph.integers([2, 3])]);
  return graph.add("Add", [seen, shift]);
}

/** x + attention, then x + MLP, of CLIP's form. x: [B,L,C] */
export function residualAttentionBlock(layer: Layers, x: Value, heads: number): Value {
  const { graph } = layer;
  const n1 = layer.layerNorm("ln_1", x);
  const [channels = 0] = layer.shape("ln_1.weight");
  const mixed = attention(graph, {
    q: layer.linear("attn.q_proj", n1),
    k: layer.linear("attn.k_proj", n1),
    v: layer.linear("attn.v_proj", n1),
    heads,
    channels,
  });
  const h = graph.add("Add", [x, layer.linear("attn.out_proj", mixed)]);
  const wide = layer.linear("mlp.c_fc", layer.layerNorm("ln_2", h));
  const bent = gatedSigmoid(graph, wide, QUICK_GELU_ALPHA);
  return graph.add("Add", [h, layer.linear("mlp.c_proj", bent)]);
}

function averaged(graph: Graph, map: Value): Value {
  const mean = graph.add("ReduceMean", [map, graph.integers([2, 3])], { keepdims: 1 });
  return graph.add("Expand", [mean, shapePart(graph, map, 0, 4)]);
}
