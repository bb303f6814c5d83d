/**
 * GLIGEN: what is where, as tokens that a UNet's pixels attend to between their self-attention and that to the text. Li et al.
 * 2023, arXiv:2301.07093. B batch, L pixels, C channels, O objects, T width of a text's embedding, D of an object's token.
 */
import type { Graph, Value } from "../ort/graph.ts";
import { createLayers, type Layers } from "./layers.ts";
import { attention, silu } from "./operators.ts";
import { entryOf, viewedAs, type Weights } from "./weights.ts";

/** Places for objects; those that are not taken have tokens of their own. */
export const MAX_OBJECTS = 30;
/** Of each of a box's four numbers: sine and cosine at frequencies 100^(i/8). */
const FREQUENCIES = 8;
const TEMPERATURE = 100;
const BOX_WIDTH = FREQUENCIES * 2 * 4;

/** PositionNet: inputs `texts` [1,O,T], `boxes` [1,O,64] and `taken` [1,O,1]; output `objects` [1,O,D]. */
export function buildPositionNet(graph: Graph, weights: Weights): void {
  const net = createLayers(graph, weights).under("position_net");
  const { textWidth, tokenWidth } = gligenShape(weights);
  const taken = graph.input("taken", [1, MAX_OBJECTS, 1]);
  const texts = graph.input("texts", [1, MAX_OBJECTS, textWidth]);
  const boxes = graph.input("boxes", [1, MAX_OBJECTS, BOX_WIDTH]);
  const free = graph.add("Sub", [graph.constant([1], [1]), taken]);
  const either = (given: Value, nothing: string, width: number): Value => {
    const own = graph.weight(viewedAs(net.entry(nothing), [1, 1, width]));
    const parts = [graph.add("Mul", [given, taken]), graph.add("Mul", [own, free])];
    return graph.add("Add", parts);
  };
  let h = graph.add(
    "Concat",
    [
      either(texts, "null_positive_feature", textWidth),
      either(boxes, "null_position_feature", BOX_WIDTH),
    ],
    { axis: -1 },
  );
  h = silu(graph, net.linear("linears.0", h));
  h = silu(graph, net.linear("linears.2", h));
  graph.output("objects", net.linear("linears.4", h), [1, MAX_OBJECTS, tokenWidth]);
}

export interface GligenShape {
  /** T */
  readonly textWidth: number;
  /** D */
  readonly tokenWidth: number;
}

export function gligenShape(weights: Weights): GligenShape {
  return {
    textWidth: entryOf(weights, "position_net.null_positive_feature").shape[0] ?? 0,
    tokenWidth: entryOf(weights, "position_net.linears.4.weight").shape[0] ?? 0,
  };
}

/** sin(f x1), sin(f y1), sin(f x2), sin(f y2), the same with cos, then the next f. */
export function boxWaves(box: readonly number[]): readonly number[] {
  return Array.from({ length: FREQUENCIES }, (_, i) => TEMPERATURE ** (i / FREQUENCIES)).flatMap(
    (f) => [...box.map((side) => Math.sin(f * side)), ...box.map((side) => Math.cos(f * side))],
  );
}

/**
 * GatedSelfAttentionDense of one transformer: x + tanh(a) attention(x and objects) of the pixels, then + tanh(b) feed-forward.
 * x: [B,L,C], objects: [B,O,D]
 */
export function gatedSelfAttention(
  fuser: Layers,
  x: Value,
  {
    objects,
    heads,
    channels,
    feedForward,
  }: {
    readonly objects: Value;
    readonly heads: number;
    readonly channels: number;
    readonly feedForward: (layer: Layers, x: Value) => Value;
  },
): Value {
  const { graph } = fuser;
  const gate = (name: string) =>
    graph.add("Tanh", [graph.weight(viewedAs(fuser.entry(name), [1]))]);
  const gated = (name: string, value: Value) => graph.add("Mul", [value, gate(name)]);
  const both = graph.add("Concat", [x, fuser.linear("linear", objects)], { axis: 1 });
  const normed = fuser.layerNorm("norm1", both);
  const attn = fuser.under("attn");
  const mixed = attention(graph, {
    q: attn.linear("to_q", normed, { bias: false }),
    k: attn.linear("to_k", normed, { bias: false }),
    v: attn.linear("to_v", normed, { bias: false }),
    heads,
    channels,
  });
  const pixels = graph.add("Shape", [x], { start: 1, end: 2 });
  const seen = graph.add("Slice", [
    attn.linear("to_out.0", mixed),
    graph.integers([0]),
    pixels,
    graph.integers([1]),
  ]);
  const h = graph.add("Add", [x, gated("alpha_attn", seen)]);
  const fed = feedForward(fuser.under("ff.net"), fuser.layerNorm("norm2", h));
  return graph.add("Add", [h, gated("alpha_dense", fed)]);
}
