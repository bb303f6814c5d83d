/**
 * The style adapter of T2I adapters: what CLIP's vision tower makes of a picture, as tokens of a prompt. Mou et al. 2023,
 * arXiv:2302.08453. N tokens of the tower, D their width, S style tokens, P width of the prompt.
 */
import type { Graph } from "../ort/graph.ts";
import type { Network, Runtime } from "../ort/runtime.ts";
import type { Tensor } from "../tensor.ts";
import { checkFinite } from "./check-finite.ts";
import { residualAttentionBlock } from "./controlnet.ts";
import { withSplitAttention } from "./fused-attention.ts";
import { createLayers } from "./layers.ts";
import { openWeights } from "./open-weights.ts";
import { shapePart } from "./operators.ts";
import { unknownFile } from "./unknown-file.ts";
import type { SeenPicture } from "./vision-encoder.ts";
import { entryOf, invalidModel, type Weights } from "./weights.ts";

/** A STYLE_MODEL. */
export interface StyleModel {
  readonly name: string;
  /** [B,S,P] for each of B pictures. */
  tokens(seen: SeenPicture): Promise<Tensor>;
}

const HEADS = 8;
const MARK = "style_embedding";
/** Of Flux, which is not run here. */
const REDUX_MARK = "redux_down.weight";

/** Throws MODEL_INVALID for files of another kind. */
export async function loadStyleModel(runtime: Runtime, file: string): Promise<StyleModel> {
  const weights = withSplitAttention(await openWeights(file));
  if (weights.tensors.has(REDUX_MARK)) {
    throw invalidModel(weights.name, "it is Redux, a style model of Flux, which is not supported");
  }
  if (!weights.tensors.has(MARK)) throw unknownFile(weights, "a style model");
  const width = entryOf(weights, MARK).shape[2] ?? 0;
  const network: Network = {
    key: `style ${weights.id}`,
    name: `the style model ${JSON.stringify(weights.name)}`,
    build: (graph) => buildStyleAdapter(graph, weights),
  };
  runtime.check(network);
  return {
    name: weights.name,
    async tokens({ last }) {
      if (last.shape[2] !== width) {
        throw invalidModel(
          weights.name,
          `this style model reads states of width ${width}, the CLIP vision tower makes ${last.shape[2]}: use CLIP L`,
        );
      }
      const outputs = await runtime.run(network, { states: last });
      return checkFinite(outputs.get("tokens"), network.name);
    },
  };
}

/** Input `states` [B,N,D]; output `tokens` [B,S,P]: a few tokens of its own, after blocks in which they see the picture's. */
function buildStyleAdapter(graph: Graph, weights: Weights): void {
  const adapter = createLayers(graph, weights);
  const [, count = 0, width = 0] = adapter.shape(MARK);
  const states = graph.input("states", ["B", "N", width]);
  const batch = graph.add(
    "Concat",
    [shapePart(graph, states, 0, 1), graph.integers([count, width])],
    {
      axis: 0,
    },
  );
  const own = graph.add("Expand", [adapter.weight(MARK), batch]);
  let h = adapter.layerNorm("ln_pre", graph.add("Concat", [states, own], { axis: 1 }));
  const blocks = adapter.count((index) => `transformer_layes.${index}`);
  for (let index = 0; index < blocks; index++) {
    h = residualAttentionBlock(adapter.under(`transformer_layes.${index}`), h, HEADS);
  }
  const last = graph.add("Slice", [
    h,
    graph.integers([-count]),
    graph.integers([Number.MAX_SAFE_INTEGER]),
    graph.integers([1]),
  ]);
  const tokens = graph.add("MatMul", [adapter.layerNorm("ln_post", last), adapter.weight("proj")]);
  graph.output("tokens", tokens, ["B", count, adapter.shape("proj")[1] ?? 0]);
}
