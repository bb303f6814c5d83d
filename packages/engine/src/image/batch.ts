import { allocateFloats } from "../allocate-floats.ts";
import { type Tensor, tensor } from "../tensor.ts";

/** Entry `index` of a batch, the last dimensions flattened. */
export function batchEntry(t: Tensor, index: number): Float32Array {
  const size = entrySize(t);
  return t.data.subarray(index * size, (index + 1) * size);
}

export function entrySize(t: Tensor): number {
  const count = t.shape[0] ?? 1;
  return count === 0 ? 0 : t.data.length / count;
}

/** `length` entries from `start` on. */
export function sliceBatch(t: Tensor, start: number, length: number): Tensor {
  const size = entrySize(t);
  const data = t.data.slice(start * size, (start + length) * size);
  return tensor([length, ...t.shape.slice(1)], data);
}

/** Cuts a longer batch; repeats a shorter one from its beginning. */
export function repeatToBatch(t: Tensor, count: number): Tensor {
  const given = t.shape[0] ?? 1;
  if (given === count) return t;
  if (given > count) return sliceBatch(t, 0, count);
  const data = allocateFloats(entrySize(t) * count);
  for (let b = 0; b < count; b++) data.set(batchEntry(t, b % given), b * entrySize(t));
  return tensor([count, ...t.shape.slice(1)], data);
}

/** One after the other; all dimensions but the first must agree. */
export function concatenateBatches(parts: readonly Tensor[]): Tensor {
  const rest = parts[0]?.shape.slice(1) ?? [];
  for (const part of parts) {
    if (part.shape.slice(1).join() !== rest.join()) {
      throw new Error(`cannot batch a tensor of shape [${part.shape}] with ones of [*,${rest}]`);
    }
  }
  const total = parts.reduce((sum, part) => sum + part.data.length, 0);
  const data = allocateFloats(total);
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.length;
  }
  const count = parts.reduce((sum, part) => sum + (part.shape[0] ?? 1), 0);
  return tensor([count, ...rest], data);
}
