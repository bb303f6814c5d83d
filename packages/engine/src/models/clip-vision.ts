/**
 * CLIP's vision tower under Hugging Face's names (OpenCLIP's are renamed to these). Radford et al. 2021, arXiv:2103.00020.
 * B pictures, S their side in pixels, N tokens: one for the whole picture, then one a patch; D width, P width of the embedding.
 */
import type { Graph, Value } from "../ort/graph.ts";
import { encoderLayer } from "./clip-text.ts";
import { createLayers, type Layers } from "./layers.ts";
import { shapePart } from "./operators.ts";
import { entryOf, viewedAs, type Weights } from "./weights.ts";

export interface ClipVisionOptions {
  readonly heads: number;
  readonly activation: "quick-gelu" | "gelu";
}

/**
 * Input `pixels` [B,3,S,S], normalized. Outputs `last` and `penultimate`, the states behind the last layer and the one before
 * [B,N,D], and `embedding` [B,P].
 */
export function buildClipVision(graph: Graph, weights: Weights, options: ClipVisionOptions): void {
  const tower = createLayers(graph, weights);
  const { side, tokens, width, layers } = clipVisionShape(weights);
  const model = tower.under("vision_model");
  const pixels = graph.input("pixels", ["B", 3, side, side]);
  let h = model.layerNorm("pre_layrnorm", embed(model.under("embeddings"), pixels, width));
  let penultimate = h;
  for (let index = 0; index < layers; index++) {
    penultimate = h;
    h = encoderLayer(model.under(`encoder.layers.${index}`), h, { ...options, width });
  }
  graph.output("last", h, ["B", tokens, width]);
  graph.output("penultimate", penultimate, ["B", tokens, width]);
  const first = graph.add("Gather", [h, graph.once("first token", () => graph.integers([0]))], {
    axis: 1,
  });
  const whole = graph.add("Squeeze", [first, graph.integers([1])]);
  graph.output("embedding", project(tower, model.layerNorm("post_layernorm", whole)), ["B", "P"]);
}

export interface ClipVisionShape {
  /** Of the picture, in pixels. */
  readonly side: number;
  readonly tokens: number;
  readonly width: number;
  readonly layers: number;
  /** Of the embedding. */
  readonly embeddingWidth: number;
}

export function clipVisionShape(weights: Weights): ClipVisionShape {
  const embeddings = "vision_model.embeddings";
  const [tokens = 0, width = 0] = entryOf(weights, `${embeddings}.position_embedding.weight`).shape;
  const [, , patch = 0] = entryOf(weights, `${embeddings}.patch_embedding.weight`).shape;
  let layers = 0;
  while (weights.tensors.has(`vision_model.encoder.layers.${layers}.layer_norm1.weight`)) {
    layers += 1;
  }
  return {
    side: Math.sqrt(tokens - 1) * patch,
    tokens,
    width,
    layers,
    embeddingWidth:
      weights.tensors.get("visual_projection.weight")?.shape[0] ??
      weights.tensors.get("visual_projection")?.shape[1] ??
      width,
  };
}

/** Patches side by side as tokens behind the one of the whole picture, each at its place. */
function embed(embeddings: Layers, pixels: Value, width: number): Value {
  const { graph } = embeddings;
  const [, , patch = 0] = embeddings.shape("patch_embedding.weight");
  const map = graph.add("Conv", [pixels, embeddings.weight("patch_embedding.weight")], {
    kernel_shape: [patch, patch],
    strides: [patch, patch],
  });
  const flat = graph.add("Reshape", [map, graph.integers([0, width, -1])]);
  const patches = graph.add("Transpose", [flat], { perm: [0, 2, 1] });
  const one = graph.weight(viewedAs(embeddings.entry("class_embedding"), [1, 1, width]));
  const shape = graph.add("Concat", [shapePart(graph, pixels, 0, 1), graph.integers([1, width])], {
    axis: 0,
  });
  const whole = graph.add("Expand", [one, shape]);
  const tokens = graph.add("Concat", [whole, patches], { axis: 1 });
  return graph.add("Add", [tokens, embeddings.weight("position_embedding.weight")]);
}

/** OpenCLIP's bare matrix is multiplied from the right, Hugging Face's is a linear layer without bias. */
function project(tower: Layers, whole: Value): Value {
  if (tower.has("visual_projection")) {
    return tower.graph.add("MatMul", [whole, tower.weight("visual_projection")]);
  }
  return tower.linear("visual_projection", whole, { rank: 2, bias: false });
}
