import { rowsOf, type TensorEntry, type Weights } from "./weights.ts";

/** The weights with all such matrices split. */
export function withSplitAttention(weights: Weights): Weights {
  const entries = [...weights.tensors].flatMap(([key, entry]) => splitFusedAttention(key, entry));
  return { ...weights, tensors: new Map(entries) };
}

/**
 * PyTorch's MultiheadAttention keeps q, k and v in one matrix, `in_proj_weight`: this gives its three parts, rows of the
 * same bytes, as layers `q_proj`, `k_proj` and `v_proj`. Other tensors are given as they are.
 */
export function splitFusedAttention(
  key: string,
  entry: TensorEntry,
): readonly (readonly [key: string, entry: TensorEntry])[] {
  const [, layer, part] = /^(.*)\.in_proj_(weight|bias)$/.exec(key) ?? [];
  if (layer === undefined) return [[key, entry]];
  const rows = (entry.shape[0] ?? 0) / PARTS.length;
  return PARTS.map((name, index) => [
    `${layer}.${name}.${part}`,
    rowsOf(entry, index * rows, (index + 1) * rows),
  ]);
}

const PARTS = ["q_proj", "k_proj", "v_proj"];
