/** Model files written as safetensors, tensor by tensor, so that memory holds one of them at a time. */
import { open } from "node:fs/promises";
import type { ElementType } from "../ort/onnx-model.ts";
import { elementCount } from "../tensor.ts";
import { elementSizes } from "./element-size.ts";
import { encodeNumbers, isFloatType } from "./number-formats.ts";
import type { ChangedWeights, TensorRecipe } from "./tensor-recipe.ts";
import type { TensorEntry } from "./weights.ts";

export interface SavedTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  bytes(): Promise<Uint8Array>;
}

export interface ModelFileContent {
  readonly tensors: ReadonlyMap<string, SavedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a network's tensors are now, changed ones computed, the others as they stand in their files. */
export function savedTensors({ base, changes }: ChangedWeights): Map<string, SavedTensor> {
  const saved = new Map<string, SavedTensor>();
  for (const [key, entry] of base.tensors) {
    const changed = changes.get(key);
    saved.set(key, changed === undefined ? stored(entry) : computed(changed));
  }
  return saved;
}

/** Rows of one after rows of the other, all of one type. */
export function stacked(parts: readonly SavedTensor[]): SavedTensor {
  const [first] = parts;
  if (first === undefined || parts.some(({ type }) => type !== first.type)) {
    throw new Error("tensors of several types cannot be one");
  }
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  return {
    type: first.type,
    shape: [rows, ...first.shape.slice(1)],
    bytes: async () => Buffer.concat(await Promise.all(parts.map((part) => part.bytes()))),
  };
}

/** A marker: its presence is what it says. */
export function emptyTensor(): SavedTensor {
  return { type: "F32", shape: [0], bytes: () => Promise.resolve(new Uint8Array()) };
}

export function numberTensor(value: number): SavedTensor {
  return {
    type: "F32",
    shape: [],
    bytes: () => Promise.resolve(encodeNumbers("F32", Float32Array.of(value))),
  };
}

const HEADER_UNIT = 8;

export async function writeModelFile(
  file: string,
  { tensors, metadata }: ModelFileContent,
  signal: AbortSignal,
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [key, { type, shape }] of tensors) {
    const start = end;
    end += elementCount(shape) * elementSizes[type];
    header[key] = { dtype: type, shape, data_offsets: [start, end] };
  }
  const json = JSON.stringify(header);
  const padding = -Buffer.byteLength(json) & (HEADER_UNIT - 1);
  const text = Buffer.from(json + " ".repeat(padding));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await using handle = await open(file, "wx");
  await handle.writeFile(Buffer.concat([length, text]));
  for (const tensor of tensors.values()) {
    signal.throwIfAborted();
    await handle.writeFile(await tensor.bytes());
  }
}

function stored({ type, shape, location, offset, length }: TensorEntry): SavedTensor {
  return {
    type,
    shape,
    async bytes() {
      await using handle = await open(location, "r");
      const bytes = Buffer.alloc(length);
      await handle.read(bytes, 0, length, offset);
      return bytes;
    },
  };
}

function computed({ type, shape, read }: TensorRecipe): SavedTensor {
  return {
    type,
    shape,
    async bytes() {
      if (!isFloatType(type)) throw new Error(`type ${type} cannot be computed`);
      return encodeNumbers(type, await read());
    },
  };
}
