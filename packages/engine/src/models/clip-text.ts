/**
 * CLIP's text tower under Hugging Face's names (OpenCLIP's are renamed to these). Radford et al. 2021, arXiv:2103.00020.
 * B prompts, L tokens, D width, P width of the pooled text: D, or what the projection makes of it.
 */
import type { Graph, Value } from "../ort/graph.ts";
import { createLayers, type Layers, lowRankBranches } from "./layers.ts";
import type { LoraDelta } from "./model.ts";
import { attention, gatedSigmoid } from "./operators.ts";
import { entryOf, type Weights } from "./weights.ts";

const QUICK_GELU_ALPHA = 1.702;
/** Stands for minus infinity, within F16's range. */
const MASKED = -60_000;

export interface ClipTextOptions {
  readonly heads: number;
  readonly activation: "quick-gelu" | "gelu";
  /** How many layers `hidden` has been through. */
  readonly layers: number;
  /** Whether the final norm is put on `hidden`. */
  readonly normed: boolean;
  /** Whether `pooled` goes through the text projection. */
  readonly projected: boolean;
  /** What LoRAs change, by layer; their strengths become inputs `lora_0`, `lora_1`, ... [1]. @default [] */
  readonly loras?: readonly ReadonlyMap<string, LoraDelta>[];
}

/**
 * Inputs `tokens` [B,L]; `vectors` [B,L,D] taken in place of the tokens' own where `given` [B,L,1] is true; `selection`
 * [B,1,L], 1 at the token whose last state is the pooled text. Outputs `hidden` [B,L,D] and `pooled` [B,P].
 */
export function buildClipText(graph: Graph, weights: Weights, options: ClipTextOptions): void {
  const text = createLayers(graph, weights, lowRankBranches(graph, options.loras));
  const { tokens: length, width } = clipTextShape(weights);
  const model = text.under("text_model");
  const layers = model.count((index) => `encoder.layers.${index}`);
  let h = embed(model, { length, width });
  const bias = causalMask(graph, length);
  let hidden = h;
  for (let index = 0; index < layers; index++) {
    h = encoderLayer(model.under(`encoder.layers.${index}`), h, { ...options, bias, width });
    if (index + 1 === options.layers) hidden = h;
  }
  const final = model.layerNorm("final_layer_norm", h);
  if (options.normed) {
    hidden = hidden === h ? final : model.layerNorm("final_layer_norm", hidden);
  }
  graph.output("hidden", hidden, ["B", length, width]);

  const selection = graph.input("selection", ["B", 1, length]);
  const chosen = graph.add("MatMul", [selection, final]);
  const pooled = graph.add("Squeeze", [chosen, graph.integers([1])]);
  graph.output("pooled", options.projected ? project(text, pooled) : pooled, ["B", "P"]);
}

export interface ClipTextShape {
  /** L */
  readonly tokens: number;
  readonly width: number;
  readonly layers: number;
}

export function clipTextShape(weights: Weights): ClipTextShape {
  const positions = entryOf(weights, "text_model.embeddings.position_embedding.weight");
  const [tokens = 0, width = 0] = positions.shape;
  let layers = 0;
  while (weights.tensors.has(`text_model.encoder.layers.${layers}.layer_norm1.weight`)) layers += 1;
  return { tokens, width, layers };
}

/** The vocabulary is cast after the lookup: 77 rows instead of 49,408. */
function embed(model: Layers, { length, width }: { length: number; width: number }): Value {
  const { graph } = model;
  const tokens = graph.input("tokens", ["B", length], { type: "I64" });
  const table = graph.weight(model.entry("embeddings.token_embedding.weight"), { raw: true });
  const own = graph.computed(graph.add("Gather", [table, tokens], { axis: 0 }));
  const given = graph.input("given", ["B", length, 1], { type: "BOOL" });
  const vectors = graph.input("vectors", ["B", length, width]);
  const words = graph.add("Where", [given, vectors, own]);
  return graph.add("Add", [words, model.weight("embeddings.position_embedding.weight")]);
}

/** A block of CLIP's towers. x: [B,L,D]; bias: [1,1,L,L], added to what attention weighs */
export function encoderLayer(
  layer: Layers,
  x: Value,
  {
    heads,
    activation,
    bias,
    width,
  }: Pick<ClipTextOptions, "heads" | "activation"> & { bias?: Value; width: number },
): Value {
  const { graph } = layer;
  const n1 = layer.layerNorm("layer_norm1", x);
  const self = layer.under("self_attn");
  const [q, k, v] = [
    self.linear("q_proj", n1),
    self.linear("k_proj", n1),
    self.linear("v_proj", n1),
  ];
  const mixed = attention(graph, { q, k, v, heads, channels: width, bias });
  const h = graph.add("Add", [x, self.linear("out_proj", mixed)]);
  const wide = layer.linear("mlp.fc1", layer.layerNorm("layer_norm2", h));
  const bent =
    activation === "gelu" ? graph.add("Gelu", [wide]) : gatedSigmoid(graph, wide, QUICK_GELU_ALPHA);
  return graph.add("Add", [h, layer.linear("mlp.fc2", bent)]);
}

/** [1,1,L,L]: a token sees itself and those before. */
function causalMask(graph: Graph, length: number): Value {
  const mask = new Float32Array(length * length);
  for (let row = 0; row < length; row++)
    mask.fill(MASKED, row * length + row + 1, (row + 1) * length);
  return graph.constant(mask, [1, 1, length, length]);
}

/** OpenCLIP's bare `text_projection` is multiplied from the right, Hugging Face's is a linear layer. */
function project(text: Layers, pooled: Value): Value {
  if (text.has("text_projection.weight"))
    return text.linear("text_projection", pooled, { rank: 2 });
  if (!text.has("text_projection")) return pooled;
  return text.graph.add("MatMul", [pooled, text.weight("text_projection")]);
}
