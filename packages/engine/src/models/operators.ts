/** What several modules compute, each in the form that the provider's operator choice asks for. */
import type { Graph, Value } from "../ort/graph.ts";

/** softmax(q k^T / sqrt(d) + bias) v for each head of d channels. q: [B,L,C]; k, v: [B,M,C]; bias: [1,1,L,M]; returns [B,L,C]. */
export function attention(
  graph: Graph,
  { q, k, v, heads, channels, bias }: AttentionInputs,
): Value {
  if (graph.choice.attention === "fused") {
    const inputs = bias === undefined ? [q, k, v] : [q, k, v, "", "", bias];
    return graph.add("MultiHeadAttention", inputs, { num_heads: heads }, "com.microsoft");
  }
  const width = channels / heads;
  const split = (x: Value, perm: readonly number[]) =>
    graph.add("Transpose", [graph.add("Reshape", [x, graph.integers([0, 0, heads, width])])], {
      perm,
    });
  const scale = graph.once(`attention scale ${width}`, () =>
    graph.constant([1 / Math.sqrt(width)], []),
  );
  const scaledQ = graph.add("Mul", [split(q, [0, 2, 1, 3]), scale]);
  const products = graph.add("MatMul", [scaledQ, split(k, [0, 2, 3, 1])]);
  const scores = bias === undefined ? products : graph.add("Add", [products, bias]);
  const shares = graph.add("Softmax", [scores], { axis: -1 });
  const mixed = graph.add("MatMul", [shares, split(v, [0, 2, 1, 3])]);
  const joined = graph.add("Transpose", [mixed], { perm: [0, 2, 1, 3] });
  return graph.add("Reshape", [joined, graph.integers([0, 0, channels])]);
}

export interface AttentionInputs {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly heads: number;
  readonly channels: number;
  readonly bias?: Value | undefined;
}

/** x sigmoid(alpha x): SiLU with alpha 1, CLIP's "quick GELU" with 1.702. */
export function gatedSigmoid(graph: Graph, x: Value, alpha = 1): Value {
  if (graph.choice.gatedSigmoid === "fused") {
    return graph.add("QuickGelu", [x], { alpha: { float: alpha } }, "com.microsoft");
  }
  if (alpha === 1) return graph.add("Mul", [x, graph.add("Sigmoid", [x])]);
  const factor = graph.once(`alpha ${alpha}`, () => graph.constant([alpha], []));
  return graph.add("Mul", [x, graph.add("Sigmoid", [graph.add("Mul", [x, factor])])]);
}

export const silu = (graph: Graph, x: Value): Value => gatedSigmoid(graph, x);

/** Groups of channels normalized each by itself, then scaled by channel. x: [B,C,...]. */
export function groupNorm(
  graph: Graph,
  x: Value,
  { weight, bias, groups, epsilon }: GroupNormInputs,
): Value {
  if (graph.choice.groupNorm === "native") {
    return graph.add("GroupNormalization", [x, weight, bias], {
      num_groups: groups,
      epsilon: { float: epsilon },
    });
  }
  const ones = graph.once(`ones ${groups}`, () => graph.constant(Array(groups).fill(1), [groups]));
  const zeros = graph.once(`zeros ${groups}`, () =>
    graph.constant(Array(groups).fill(0), [groups]),
  );
  const grouped = graph.add("Reshape", [x, graph.integers([0, groups, -1])]);
  const normed = graph.add("InstanceNormalization", [grouped, ones, zeros], {
    epsilon: { float: epsilon },
  });
  const shaped = graph.add("Reshape", [normed, graph.add("Shape", [x])]);
  const byChannel = (value: Value) => graph.add("Reshape", [value, graph.integers([-1, 1, 1])]);
  return graph.add("Add", [graph.add("Mul", [shaped, byChannel(weight)]), byChannel(bias)]);
}

export interface GroupNormInputs {
  readonly weight: Value;
  readonly bias: Value;
  readonly groups: number;
  readonly epsilon: number;
}

/** Nearest-neighbour enlargement of [B,C,H,W], twofold or to the height and width of `like`. */
export function enlarge(graph: Graph, x: Value, like?: Value): Value {
  const attributes = {
    mode: "nearest",
    nearest_mode: "floor",
    coordinate_transformation_mode: "asymmetric",
  };
  if (like === undefined) {
    const twofold = graph.once("twofold", () => graph.constant([1, 1, 2, 2], [4], { raw: true }));
    return graph.add("Resize", [x, "", twofold], attributes);
  }
  const sizes = graph.add("Concat", [shapePart(graph, x, 0, 2), shapePart(graph, like, 2, 4)], {
    axis: 0,
  });
  return graph.add("Resize", [x, "", "", sizes], attributes);
}

/** Dimensions `start` to `end` of a value's shape. */
export function shapePart(graph: Graph, x: Value, start: number, end: number): Value {
  return graph.once(`shape ${start}-${end} of ${x}`, () => graph.add("Shape", [x], { start, end }));
}

/** [B,C,H,W] as tokens [B,HW,C]. */
export function toTokens(graph: Graph, x: Value, channels: number): Value {
  const flat = graph.add("Reshape", [x, graph.integers([0, channels, -1])]);
  return graph.add("Transpose", [flat], { perm: [0, 2, 1] });
}

/** Tokens [B,HW,C] as a map of `like`'s height and width. */
export function toMap(
  graph: Graph,
  tokens: Value,
  { like, channels }: { like: Value; channels: number },
): Value {
  const flat = graph.add("Transpose", [tokens], { perm: [0, 2, 1] });
  const shape = graph.add(
    "Concat",
    [shapePart(graph, like, 0, 1), graph.integers([channels]), shapePart(graph, like, 2, 4)],
    { axis: 0 },
  );
  return graph.add("Reshape", [flat, shape]);
}
