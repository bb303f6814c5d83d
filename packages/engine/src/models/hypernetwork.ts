/**
 * Hypernetworks: small networks that change what attention reads, one for keys and one for values, for each width of what is
 * read: x + strength net(x). NovelAI 2022; the files are those of AUTOMATIC1111's web UI.
 */
import type { Graph, Value } from "../ort/graph.ts";
import { openWeights } from "./open-weights.ts";
import { unknownFile } from "./unknown-file.ts";
import { invalidModel, type TensorEntry, type Weights, weightsUnder } from "./weights.ts";

export interface Hypernetwork {
  /** Of the file. */
  readonly id: string;
  readonly name: string;
  readonly activation: Activation;
  /** Whether it stands behind the last layer too. */
  readonly activatesOutput: boolean;
  readonly byWidth: ReadonlyMap<number, { readonly keys: Stack; readonly values: Stack }>;
}

export interface AppliedHypernetwork {
  readonly hypernetwork: Hypernetwork;
  readonly strength: number;
}

/** Linear layers have matrices, norms have none. */
type Stack = readonly { readonly weight: TensorEntry; readonly bias: TensorEntry }[];

/** "swish" is its piecewise-linear form, as ComfyUI runs it. */
const ACTIVATIONS = {
  linear: undefined,
  relu: { operator: "Relu" },
  leakyrelu: { operator: "LeakyRelu", attributes: { alpha: { float: 0.01 } } },
  elu: { operator: "Elu" },
  swish: { operator: "HardSwish" },
  tanh: { operator: "Tanh" },
  sigmoid: { operator: "Sigmoid" },
  softsign: { operator: "Softsign" },
  mish: { operator: "Mish" },
} as const;
type Activation = keyof typeof ACTIVATIONS;

const LAYER_NORM_EPSILON = 1e-5;

/** Throws MODEL_INVALID for files of another kind. */
export async function loadHypernetwork(file: string): Promise<Hypernetwork> {
  const weights = await openWeights(file);
  const widths = new Set([...weights.tensors.keys()].map((key) => /^(\d+)\.[01]\./.exec(key)?.[1]));
  const byWidth = new Map<number, { keys: Stack; values: Stack }>();
  for (const width of widths) {
    if (width === undefined) continue;
    const of = (index: number) =>
      stackOf(weightsUnder(weights, `${width}.${index}.`), Number(width));
    byWidth.set(Number(width), { keys: of(0), values: of(1) });
  }
  if (byWidth.size === 0) throw unknownFile(weights, "a hypernetwork");
  const activation = weights.metadata.get("activation_func") ?? "linear";
  if (!isActivation(activation)) {
    throw invalidModel(
      weights.name,
      `its activation is ${JSON.stringify(activation)}; known are ${Object.keys(ACTIVATIONS).join(", ")}`,
    );
  }
  return {
    id: weights.id,
    name: weights.name,
    activation,
    activatesOutput: weights.metadata.get("activate_output") === "true",
    byWidth,
  };
}

function isActivation(name: string): name is Activation {
  return Object.hasOwn(ACTIVATIONS, name);
}

/** In the order of the numbers in their names. Each goes on with what the one before makes, the last back to the width. */
function stackOf(weights: Weights, width: number): Stack {
  const layers = [...weights.tensors.keys()]
    .flatMap((key) => (key.endsWith(".weight") ? [key.slice(0, -".weight".length)] : []))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((layer) => {
      const [weight, bias] = ["weight", "bias"].map((part) =>
        weights.tensors.get(`${layer}.${part}`),
      );
      if (weight === undefined || bias === undefined) {
        throw invalidModel(weights.name, `it lacks the tensor "${weights.prefix}${layer}.bias"`);
      }
      return { layer, weight, bias };
    });
  let at = width;
  for (const { layer, weight } of layers) {
    const [outputs = 0, inputs = outputs] = weight.shape;
    if (inputs !== at) {
      throw invalidModel(
        weights.name,
        `its "${weights.prefix}${layer}" reads ${inputs} numbers where ${at} come`,
      );
    }
    at = outputs;
  }
  if (layers.length === 0 || at !== width) {
    throw invalidModel(weights.name, `its layers for width ${width} end at width ${at}`);
  }
  return layers;
}

/** What attention reads keys and values from, after all hypernetworks; their strengths [1]. x: [B,L,width] */
export function hyperSources(
  graph: Graph,
  x: Value,
  {
    width,
    hypernetworks,
  }: {
    readonly width: number;
    readonly hypernetworks: readonly {
      readonly hypernetwork: Hypernetwork;
      readonly strength: Value;
    }[];
  },
): { readonly keys: Value; readonly values: Value } {
  let [keys, values] = [x, x];
  for (const { hypernetwork, strength } of hypernetworks) {
    const stacks = hypernetwork.byWidth.get(width);
    if (stacks === undefined) continue;
    const bent = (from: Value, stack: Stack) =>
      graph.add("Add", [from, graph.add("Mul", [run(graph, from, stack, hypernetwork), strength])]);
    [keys, values] = [bent(keys, stacks.keys), bent(values, stacks.values)];
  }
  return { keys, values };
}

function run(graph: Graph, x: Value, stack: Stack, hypernetwork: Hypernetwork): Value {
  return stack.reduce((h, { weight, bias }, index) => {
    if (weight.shape.length === 1) {
      const inputs = [h, graph.weight(weight), graph.weight(bias)];
      return graph.add("LayerNormalization", inputs, {
        axis: -1,
        epsilon: { float: LAYER_NORM_EPSILON },
      });
    }
    const turned = graph.add("Transpose", [graph.weight(weight)], { perm: [1, 0] });
    const sum = graph.add("Add", [graph.add("MatMul", [h, turned]), graph.weight(bias)]);
    const activation = ACTIVATIONS[hypernetwork.activation];
    const isLast = index === stack.length - 1;
    if (activation === undefined || (isLast && !hypernetwork.activatesOutput)) return sum;
    const attributes = "attributes" in activation ? activation.attributes : {};
    return graph.add(activation.operator, [sum], attributes);
  }, x);
}
