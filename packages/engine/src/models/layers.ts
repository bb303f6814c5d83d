import type { Graph, Value } from "../ort/graph.ts";
import type { LoraDelta } from "./model.ts";
import { groupNorm, shapePart } from "./operators.ts";
import {
  isWorthQuantizing,
  quantizedConv,
  quantizedOnce,
  quantizedProduct,
} from "./quantized-layers.ts";
import {
  entryOf,
  invalidModel,
  rowsOf,
  type TensorEntry,
  viewedAs,
  type Weights,
} from "./weights.ts";

/** The layers under one name of a checkpoint, called by the rest of their names; each adds its nodes to the graph. */
export interface Layers {
  readonly graph: Graph;
  under(name: string): Layers;
  has(key: string): boolean;
  /** Throws MODEL_INVALID naming the key that is missing. */
  entry(key: string): TensorEntry;
  shape(key: string): readonly number[];
  weight(key: string): Value;
  /** Whether there are tensors below a name. */
  hasBelow(name: string): boolean;
  /** How many of the names name(0), name(1), ... have tensors below them. Throws MODEL_INVALID for a gap. */
  count(name: (index: number) => string): number;
  /** Over the last dimension; 1x1 convolutions are read as linear. `rows`: only these of the outputs. */
  linear(name: string, x: Value, options?: LinearOptions): Value;
  /** x: [B,C,H,W]; keeps H and W unless told otherwise. */
  conv(name: string, x: Value, options?: ConvOptions): Value;
  groupNorm(name: string, x: Value, epsilon: number): Value;
  layerNorm(name: string, x: Value): Value;
}

export interface LinearOptions {
  /** Of x. @default 3 */
  readonly rank?: 2 | 3;
  readonly rows?: readonly [start: number, end: number];
  /** @default true */
  readonly bias?: boolean;
}

export interface ConvOptions {
  readonly stride?: number;
  /** Top, left, bottom, right. */
  readonly pads?: readonly number[];
  /** @default true */
  readonly bias?: boolean;
}

/** How far ahead layers are looked for behind one that is missing. */
const LONGEST_GAP = 32;
const GROUPS = 32;
const LAYER_NORM_EPSILON = 1e-5;

export function createLayers(
  graph: Graph,
  weights: Weights,
  branches: readonly LowRankBranches[] = [],
): Layers {
  return layersUnder("", { graph, weights, branches, names: namesIn(weights) });
}

/** What a LoRA adds to layers, by their names. */
export interface LowRankBranches {
  readonly deltas: ReadonlyMap<string, LoraDelta>;
  /** [1] */
  readonly strength: Value;
}

/** Inputs `lora_0`, `lora_1`, ... for the strengths of so many LoRAs. */
export function lowRankBranches(
  graph: Graph,
  loras: readonly LowRankBranches["deltas"][] = [],
): LowRankBranches[] {
  return loras.map((deltas, index) => ({ deltas, strength: graph.input(`lora_${index}`, [1]) }));
}

interface Source {
  readonly graph: Graph;
  readonly weights: Weights;
  readonly branches: readonly LowRankBranches[];
  readonly names: ReadonlySet<string>;
}

function layersUnder(prefix: string, source: Source): Layers {
  const { graph, weights, names } = source;
  const entry = (key: string) => entryOf(weights, prefix + key);

  function biasOf(name: string, { bias = true, rows }: LinearOptions): readonly Value[] {
    if (!bias) return [];
    const whole = entry(`${name}.bias`);
    return [graph.weight(rows === undefined ? whole : rowsOf(whole, ...rows))];
  }

  /** The LoRAs' parts in a layer, in order: each with what its strength comes to. */
  function branchesOf(name: string): { delta: LoraDelta; strength: Value }[] {
    return source.branches.flatMap(({ deltas, strength }) => {
      const delta = deltas.get(prefix + name);
      if (delta === undefined) return [];
      const scaled = graph.once(`${strength} times ${delta.scale}`, () =>
        graph.add("Mul", [strength, graph.constant([delta.scale], [1])]),
      );
      return [{ delta, strength: scaled }];
    });
  }

  const layers: Layers = {
    graph,
    under: (name) => layersUnder(`${prefix}${name}.`, source),
    has: (key) => weights.tensors.has(prefix + key),
    entry,
    shape: (key) => entry(key).shape,
    weight: (key) => graph.weight(entry(key)),
    hasBelow: (name) => names.has(prefix + name),
    count(name) {
      let count = 0;
      while (layers.hasBelow(name(count))) count += 1;
      for (let index = count + 1; index < count + LONGEST_GAP; index++) {
        if (!layers.hasBelow(name(index))) continue;
        const missing = weights.prefix + prefix + name(count);
        throw invalidModel(weights.name, `it lacks all tensors of "${missing}"`);
      }
      return count;
    },
    linear(name, x, options = {}) {
      const { rank = 3, rows } = options;
      const whole = entry(`${name}.weight`);
      const [outputs = 0, inputs = 0] = whole.shape;
      const matrix = viewedAs(whole, [outputs, inputs]);
      const weight = rows === undefined ? matrix : rowsOf(matrix, ...rows);
      const flat =
        rank === 2
          ? x
          : graph.once(`rows of ${x}`, () =>
              graph.add("Reshape", [x, graph.integers([-1, inputs])]),
            );
      const bias = biasOf(name, options);
      // What depends on the timestep alone is small and far from the pixels: it stays in floats.
      const isInt8 = graph.choice.byteWeights !== undefined && rank === 3;
      let product = isInt8
        ? quantizedProduct(graph, quantizedOnce(graph, flat), { weight, bias })
        : graph.add("Gemm", [flat, graph.weight(weight), ...bias], { transB: 1 });
      for (const { delta, strength } of branchesOf(name)) {
        const [ranks = 0] = delta.down.shape;
        const down = graph.weight(viewedAs(delta.down, [ranks, inputs]));
        const whole = viewedAs(delta.up, [outputs, ranks]);
        const up = graph.weight(rows === undefined ? whole : rowsOf(whole, ...rows));
        const low = graph.add("Mul", [graph.add("Gemm", [flat, down], { transB: 1 }), strength]);
        product = graph.add("Gemm", [low, up, product], { transB: 1 });
      }
      if (rank === 2) return product;
      const width = graph.integers([weight.shape[0] ?? 0]);
      const shape = graph.once(`shape [B,L] of ${x} and ${width}`, () =>
        graph.add("Concat", [shapePart(graph, x, 0, 2), width], { axis: 0 }),
      );
      return graph.add("Reshape", [product, shape]);
    },
    conv(name, x, options = {}) {
      const { stride = 1, pads } = options;
      const kernel = entry(`${name}.weight`).shape.slice(2);
      const around = kernel.map((size) => (size - 1) / 2);
      const attributes = {
        kernel_shape: kernel,
        strides: [stride, stride],
        pads: pads ?? [...around, ...around],
      };
      const weight = entry(`${name}.weight`);
      const bias = biasOf(name, options);
      let sum = isWorthQuantizing(graph, weight)
        ? quantizedConv(graph, x, { weight, bias, stride, pads: attributes.pads })
        : graph.add("Conv", [x, graph.weight(weight), ...bias], attributes);
      for (const { delta, strength } of branchesOf(name)) {
        const { mid } = delta;
        const down =
          mid === undefined
            ? graph.add("Conv", [x, graph.weight(delta.down)], attributes)
            : graph.add(
                "Conv",
                [graph.add("Conv", [x, graph.weight(delta.down)]), graph.weight(mid)],
                attributes,
              );
        const low = graph.add("Mul", [down, strength]);
        sum = graph.add("Add", [sum, graph.add("Conv", [low, graph.weight(delta.up)])]);
      }
      return sum;
    },
    groupNorm(name, x, epsilon) {
      const [weight, bias] = [layers.weight(`${name}.weight`), layers.weight(`${name}.bias`)];
      return groupNorm(graph, x, { weight, bias, groups: GROUPS, epsilon });
    },
    layerNorm: (name, x) =>
      graph.add(
        "LayerNormalization",
        [x, layers.weight(`${name}.weight`), layers.weight(`${name}.bias`)],
        { axis: -1, epsilon: { float: LAYER_NORM_EPSILON } },
      ),
  };
  return layers;
}

/** All that stands before a dot in the keys. */
function namesIn(weights: Weights): ReadonlySet<string> {
  const names = new Set<string>();
  for (const key of weights.tensors.keys()) {
    for (let dot = key.indexOf("."); dot >= 0; dot = key.indexOf(".", dot + 1)) {
      names.add(key.slice(0, dot));
    }
  }
  return names;
}
