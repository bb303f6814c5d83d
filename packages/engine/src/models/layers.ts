import type { Graph, Value } from "../ort/graph.ts";
import { groupNorm, shapePart } from "./operators.ts";
import { entryOf, rowsOf, type TensorEntry, viewedAs, type Weights } from "./weights.ts";

/** The layers under one name of a checkpoint, called by the rest of their names; each adds its nodes to the graph. */
export interface Layers {
  readonly graph: Graph;
  under(name: string): Layers;
  has(key: string): boolean;
  /** Throws MODEL_INVALID naming the key that is missing. */
  entry(key: string): TensorEntry;
  shape(key: string): readonly number[];
  weight(key: string): Value;
  /** How many of the keys key(0), key(1), ... there are before the first that is missing. */
  count(key: (index: number) => string): number;
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
}

export interface ConvOptions {
  readonly stride?: number;
  /** Top, left, bottom, right. */
  readonly pads?: readonly number[];
}

const GROUPS = 32;
const LAYER_NORM_EPSILON = 1e-5;

export function createLayers(graph: Graph, weights: Weights, prefix = ""): Layers {
  const entry = (key: string) => entryOf(weights, prefix + key);

  function biasOf(name: string, rows?: LinearOptions["rows"]): readonly Value[] {
    if (!layers.has(`${name}.bias`)) return [];
    const bias = entry(`${name}.bias`);
    return [graph.weight(rows === undefined ? bias : rowsOf(bias, ...rows))];
  }

  const layers: Layers = {
    graph,
    under: (name) => createLayers(graph, weights, `${prefix}${name}.`),
    has: (key) => weights.tensors.has(prefix + key),
    entry,
    shape: (key) => entry(key).shape,
    weight: (key) => graph.weight(entry(key)),
    count(key) {
      let count = 0;
      while (layers.has(key(count))) count += 1;
      return count;
    },
    linear(name, x, { rank = 3, rows } = {}) {
      const whole = entry(`${name}.weight`);
      const [outputs = 0, inputs = 0] = whole.shape;
      const matrix = viewedAs(whole, [outputs, inputs]);
      const weight = rows === undefined ? matrix : rowsOf(matrix, ...rows);
      const flat = rank === 2 ? x : graph.add("Reshape", [x, graph.integers([-1, inputs])]);
      const product = graph.add("Gemm", [flat, graph.weight(weight), ...biasOf(name, rows)], {
        transB: 1,
      });
      if (rank === 2) return product;
      const width = graph.integers([weight.shape[0] ?? 0]);
      const shape = graph.once(`shape [B,L] of ${x} and ${width}`, () =>
        graph.add("Concat", [shapePart(graph, x, 0, 2), width], { axis: 0 }),
      );
      return graph.add("Reshape", [product, shape]);
    },
    conv(name, x, { stride = 1, pads } = {}) {
      const kernel = entry(`${name}.weight`).shape.slice(2);
      const around = kernel.map((size) => (size - 1) / 2);
      return graph.add("Conv", [x, layers.weight(`${name}.weight`), ...biasOf(name)], {
        kernel_shape: kernel,
        strides: [stride, stride],
        pads: pads ?? [...around, ...around],
      });
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
