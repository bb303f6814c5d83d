/** Small autoencoders that work on a diffusion model's own latents (madebyollin/taesd): plain sequences of layers. B batch. */
import type { Graph, Value } from "../ort/graph.ts";
import { createLayers, type Layers } from "./layers.ts";
import { enlarge } from "./operators.ts";
import type { Weights } from "./weights.ts";

/** Latents are squashed to -3..3 before decoding. */
const LATENT_BOUND = 3;

/** Input `latents` [B,z,h,w] as the UNet sees them, output `pixels` [B,3,8h,8w], about 0..1. Keys are `1.weight`, `3.conv.0.weight`, ... */
export function buildTaesdDecoder(graph: Graph, weights: Weights): void {
  const layers = createLayers(graph, weights);
  const [, channels = 0] = layers.shape("1.weight");
  const latents = graph.input("latents", ["B", channels, "h", "w"]);
  const bound = graph.constant([LATENT_BOUND], []);
  const squashed = graph.add("Tanh", [graph.add("Div", [latents, bound])]);
  let h = relu(graph, layers.conv("1", graph.add("Mul", [squashed, bound])));
  // 0 is the squashing, 2 the ReLU; an enlargement has a place in the sequence, but no weights.
  for (let index = 3; index <= lastLayer(weights); index++) {
    if (layers.hasBelow(`${index}.conv`)) h = block(layers.under(String(index)), h);
    else if (!layers.hasBelow(String(index))) h = enlarge(graph, h);
    else h = layers.conv(String(index), h, { bias: layers.has(`${index}.bias`) });
  }
  graph.output("pixels", h, ["B", 3, "H", "W"]);
}

/** Input `pixels` [B,3,H,W], 0..1, output `latents` [B,z,H/8,W/8]. */
export function buildTaesdEncoder(graph: Graph, weights: Weights): void {
  const layers = createLayers(graph, weights);
  const [channels = 0] = layers.shape(`${lastLayer(weights)}.weight`);
  let h = graph.input("pixels", ["B", 3, "H", "W"]);
  for (let index = 0; index <= lastLayer(weights); index++) {
    if (layers.hasBelow(`${index}.conv`)) h = block(layers.under(String(index)), h);
    else if (layers.has(`${index}.bias`)) h = layers.conv(String(index), h);
    else h = layers.conv(String(index), h, { bias: false, stride: 2 });
  }
  graph.output("latents", h, ["B", channels, "h", "w"]);
}

/** Three convolutions beside a skip. */
function block(layer: Layers, x: Value): Value {
  const { graph } = layer;
  const first = relu(graph, layer.conv("conv.0", x));
  const second = relu(graph, layer.conv("conv.2", first));
  const kept = layer.hasBelow("skip") ? layer.conv("skip", x, { bias: false }) : x;
  return relu(graph, graph.add("Add", [layer.conv("conv.4", second), kept]));
}

const relu = (graph: Graph, x: Value) => graph.add("Relu", [x]);

function lastLayer({ tensors }: Weights): number {
  return Math.max(...[...tensors.keys()].map((key) => Number.parseInt(key, 10)));
}
