/** Changes that turn a weight's outputs block by block. Qiu et al. 2023, arXiv:2306.07280; Liu et al. 2023, arXiv:2311.06243. */
import { matrixInverse } from "../math/matrix.ts";
import type { Tensor } from "../tensor.ts";
import { addition, type LayerChange, type Magnitudes } from "./layer-change.ts";
import { readTensor } from "./read-tensor.ts";
import type { TensorEntry } from "./weights.ts";

interface OrthogonalParts {
  readonly id: string;
  /** [blocks,n,n]; of BOFT [factors,blocks,n,n]. */
  readonly blocks: TensorEntry;
  /** On the norm of all blocks together; 0 for none. */
  readonly bound: number;
  readonly rescale: TensorEntry | undefined;
  readonly magnitudes?: Magnitudes | undefined;
}

/** OFT. ComfyUI counts the strength twice here, and so do we: the same file at the same strength is the same picture. */
export function oft({ id, blocks, bound, magnitudes }: OrthogonalParts): LayerChange {
  const [count = 0, n = 0] = blocks.shape;
  const turned = (strength: number) =>
    addition({
      id,
      scale: strength,
      magnitudes,
      fits: (shape) => shape[0] === count * n,
      async delta(given) {
        const rotations = await rotationsOf(blocks, bound);
        return turnedBlocks(given.data, { rows: count * n, n }, (block, m, k) => {
          const at = block * n * n;
          return (rotations[at + k * n + m] ?? 0) - (k === m ? 1 : 0);
        });
      },
    });
  return { ...turned(1), apply: (given, strength) => turned(strength).apply(given, strength) };
}

/** BOFT: several such turns after each other, each of other outputs together. */
export function boft({ id, blocks, bound, rescale, magnitudes }: OrthogonalParts): LayerChange {
  const [factors = 0, count = 0, n = 0] = blocks.shape;
  const turned = (strength: number) =>
    addition({
      id,
      scale: 1,
      magnitudes,
      fits: (shape) => shape[0] === count * n,
      async delta(given) {
        const rotations = await rotationsOf(blocks, bound);
        let weight = given.data;
        for (let factor = 0; factor < factors; factor++) {
          const order = butterfly(count * n, 2 ** factor * Math.floor(n / 2));
          const shuffled = rowsBy(weight, order);
          const mixed = turnedBlocks(shuffled, { rows: count * n, n }, (block, m, k) => {
            const value = rotations[((factor * count + block) * n + m) * n + k] ?? 0;
            return strength * value + (1 - strength) * (k === m ? 1 : 0);
          });
          weight = rowsBy(mixed, inverseOf(order));
        }
        const rowLength = weight.length / (count * n);
        const factorsOfRows = rescale === undefined ? undefined : (await readTensor(rescale)).data;
        return weight.map((value, i) => {
          const row = Math.floor(i / rowLength);
          return value * (factorsOfRows?.[row] ?? 1) - (given.data[i] ?? 0);
        });
      },
    });
  return { ...turned(1), apply: (given, strength) => turned(strength).apply(given, strength) };
}

/** Cayley's (I + Q)(I - Q)^-1 of each block's Q = B - B^T, Q shrunk to the bound. Flat, like the blocks. */
async function rotationsOf(entry: TensorEntry, bound: number): Promise<Float64Array> {
  const blocks: Tensor = await readTensor(entry);
  const n = blocks.shape.at(-1) ?? 1;
  const area = n * n;
  const skew = Float64Array.from(blocks.data, (value, i) => {
    const start = i - (i % area);
    const [row, column] = [Math.floor((i % area) / n), i % n];
    return value - (blocks.data[start + column * n + row] ?? 0);
  });
  const norm = Math.sqrt(skew.reduce((sum, value) => sum + value ** 2, 0)) + 1e-8;
  const shrink = bound > 0 && norm > bound ? bound / norm : 1;
  const rotations = new Float64Array(skew.length);
  for (let start = 0; start < skew.length; start += area) {
    const q = skew.slice(start, start + area).map((value) => value * shrink);
    const eye = (i: number) => (i % (n + 1) === 0 ? 1 : 0);
    const inverse = matrixInverse(
      q.map((value, i) => eye(i) - value),
      n,
    );
    for (let i = 0; i < area; i++) {
      const [row, column] = [Math.floor(i / n), i % n];
      let sum = 0;
      for (let k = 0; k < n; k++) {
        sum += ((q[row * n + k] ?? 0) + (row === k ? 1 : 0)) * (inverse[k * n + column] ?? 0);
      }
      rotations[start + i] = sum;
    }
  }
  return rotations;
}

/** Row m of a block of n: sum over its rows k of factor(block, m, k) row k. */
function turnedBlocks(
  weight: Float32Array,
  { rows, n }: { rows: number; n: number },
  factor: (block: number, m: number, k: number) => number,
): Float32Array {
  const out = new Float32Array(weight.length);
  const length = weight.length / rows;
  for (let row = 0; row < rows; row++) {
    const block = Math.floor(row / n);
    for (let k = 0; k < n; k++) {
      const by = factor(block, row % n, k);
      if (by === 0) continue;
      const from = (block * n + k) * length;
      for (let i = 0; i < length; i++) {
        const at = row * length + i;
        out[at] = (out[at] ?? 0) + by * (weight[from + i] ?? 0);
      }
    }
  }
  return out;
}

/** Which row comes where when rows that are `distance` apart are brought together. */
function butterfly(rows: number, distance: number): number[] {
  return Array.from({ length: rows }, (_, row) => {
    const within = row % (2 * distance);
    return row - within + (within % 2) * distance + Math.floor(within / 2);
  });
}

function inverseOf(order: readonly number[]): number[] {
  const inverse: number[] = new Array(order.length).fill(0);
  order.forEach((from, to) => {
    inverse[from] = to;
  });
  return inverse;
}

function rowsBy(weight: Float32Array, order: readonly number[]): Float32Array {
  const length = weight.length / order.length;
  const out = new Float32Array(weight.length);
  order.forEach((from, to) => {
    out.set(weight.subarray(from * length, (from + 1) * length), to * length);
  });
  return out;
}
