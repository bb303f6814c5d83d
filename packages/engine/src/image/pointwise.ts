import { type Tensor, tensor } from "../tensor.ts";

/** A tensor with every value the same. */
export function filled(shape: readonly number[], value: number): Tensor {
  const result = tensor(shape);
  result.data.fill(value);
  return result;
}

/** `change` applied to each value. */
export function mapValues(t: Tensor, change: (value: number) => number): Tensor {
  const data = new Float32Array(t.data.length);
  for (let i = 0; i < data.length; i++) data[i] = change(t.data[i]!);
  return { shape: t.shape, data };
}

/** `change` applied to each pair; a batch of one is paired with every entry of the other. */
export function mapPairs(a: Tensor, b: Tensor, change: (a: number, b: number) => number): Tensor {
  const longer = a.data.length >= b.data.length ? a : b;
  if (a.shape.slice(1).join() !== b.shape.slice(1).join()) {
    throw new Error(`cannot combine tensors of shapes [${a.shape}] and [${b.shape}]`);
  }
  if (longer.data.length % Math.max(1, Math.min(a.data.length, b.data.length)) !== 0) {
    throw new Error(`cannot combine batches of ${a.shape[0]} and ${b.shape[0]}`);
  }
  const data = new Float32Array(longer.data.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = change(a.data[i % a.data.length]!, b.data[i % b.data.length]!);
  }
  return { shape: longer.shape, data };
}

/** 1 - value: the negative of an image, the other side of a mask. */
export function inverted(t: Tensor): Tensor {
  return mapValues(t, (value) => 1 - value);
}
