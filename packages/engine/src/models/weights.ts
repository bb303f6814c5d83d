import { CodedError } from "@rabbitloom/protocol";
import type { ElementType } from "../ort/onnx-model.ts";

/** Where a tensor's bytes lie: row-major, little-endian, `length` bytes from `offset` on. */
export interface TensorEntry {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** The file, absolute and without symbolic links. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
  /** Another tensor of this shape, which is added to it. */
  readonly plus?: TensorEntry;
}

/** A model file, or a part of one: its tensors by key, none of them read yet. */
export interface Weights {
  /** For messages. */
  readonly name: string;
  /** Changes when the file does. */
  readonly id: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: ReadonlyMap<string, string>;
  /** What stands before the keys in the file; for messages. */
  readonly prefix: string;
}

/** The tensors under `prefix`, by the rest of their keys. */
export function weightsUnder(weights: Weights, prefix: string): Weights {
  const tensors = new Map<string, TensorEntry>();
  for (const [key, entry] of weights.tensors) {
    if (key.startsWith(prefix)) tensors.set(key.slice(prefix.length), entry);
  }
  return { ...weights, tensors, prefix: weights.prefix + prefix };
}

/** Throws MODEL_INVALID naming the tensor that is missing. */
export function entryOf(weights: Weights, key: string): TensorEntry {
  const entry = weights.tensors.get(key);
  if (entry === undefined) {
    throw invalidModel(weights.name, `it lacks the tensor "${weights.prefix}${key}"`);
  }
  return entry;
}

/** Rows `start` to `end` of the first dimension: in row-major order they lie together. */
export function rowsOf(entry: TensorEntry, start: number, end: number): TensorEntry {
  const [rows = 0, ...rest] = entry.shape;
  const rowLength = entry.length / rows;
  return {
    ...entry,
    shape: [end - start, ...rest],
    offset: entry.offset + start * rowLength,
    length: (end - start) * rowLength,
    ...(entry.plus === undefined ? {} : { plus: rowsOf(entry.plus, start, end) }),
  };
}

/** The same bytes under another shape. */
export function viewedAs(entry: TensorEntry, shape: readonly number[]): TensorEntry {
  const { plus } = entry;
  return { ...entry, shape, ...(plus === undefined ? {} : { plus: viewedAs(plus, shape) }) };
}

export function invalidModel(name: string, problem: string, cause?: unknown): CodedError {
  return new CodedError("MODEL_INVALID", `model file ${JSON.stringify(name)}: ${problem}`, {
    cause,
  });
}
