/** Small checkpoints with weights drawn by the formula of ../fixtures/models/make.py, which has their keys and shapes. */
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as z from "zod";
import { elementCount, type Tensor, tensor } from "../../src/tensor.ts";

const packedSchema = z
  .object({ shape: z.array(z.int()), data: z.base64() })
  .transform(({ shape, data }) => {
    const bytes = Buffer.from(data, "base64");
    return tensor(shape, new Float32Array(Uint8Array.from(bytes).buffer));
  });

const referenceSchema = z.object({
  layouts: z.record(z.string(), z.record(z.string(), z.array(z.int()))),
  outputs: z.record(z.string(), z.record(z.string(), packedSchema)),
});

export type Layout = Readonly<Record<string, readonly number[]>>;

/** Keys and shapes of small models of several kinds, and what PyTorch made of them; `file` of ../fixtures/models. */
export function readReference(file: string) {
  const url = new URL(`../fixtures/models/${file}`, import.meta.url);
  const { layouts, outputs } = referenceSchema.parse(JSON.parse(readFileSync(url, "utf8")));
  return {
    layoutOf(kind: string): Layout {
      const layout = layouts[kind];
      if (layout === undefined) throw new Error(`there is no layout ${kind}`);
      return layout;
    },
    expected(kind: string, output: string): Tensor {
      const found = outputs[kind]?.[output];
      if (found === undefined) throw new Error(`there is no output ${output} of ${kind}`);
      return found;
    },
  };
}

export const { layoutOf, expected } = readReference("reference.json");

/** -1..1: MurmurHash3's finalizer over FNV-1a of the name plus the index. */
export function numbers(name: string, count: number, from = 0): Float32Array {
  let seed = 2166136261;
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 16777619);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let h = (Math.imul(from + i, 2654435761) + seed) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    values[i] = (h >>> 8) / 2 ** 23 - 1;
  }
  return values;
}

export function drawn(name: string, ...shape: number[]): Tensor {
  return tensor(shape, numbers(name, elementCount(shape)));
}

function weight(key: string, shape: readonly number[]): Float32Array {
  const [scale, shift] = scaleAndShift(key, shape);
  const place = (value: number) => Math.fround(Math.fround(value * scale) + shift);
  if (!key.includes("token_embedding")) return numbers(key, elementCount(shape)).map(place);
  const [words = 0, width = 0] = shape;
  const table = new Float32Array(elementCount(shape));
  for (const row of WORDS_IN_USE) {
    if (row >= words) continue;
    table.set(numbers(key, width, row * width).map(place), row * width);
  }
  return table;
}

/** Padding, "a photo of a cat", start and end: other rows of the vocabulary stay 0. */
const WORDS_IN_USE = [0, 320, 1125, 539, 2368, 49406, 49407];

function scaleAndShift(key: string, shape: readonly number[]): [number, number] {
  if (key.endsWith("bias")) return [Math.fround(0.1), 0];
  if (shape.length === 1) return [Math.fround(0.1), 1];
  if (key.includes("embedding")) return [0.5, 0];
  return [Math.fround(Math.sqrt(3 / (elementCount(shape) / (shape[0] ?? 1)))), 0];
}

export interface CheckpointOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** @default "F32" */
  readonly type?: "F32" | "F16" | "BF16";
  /** Takes the place of the drawn weights. */
  readonly weights?: ReadonlyMap<string, Float32Array>;
}

export interface DrawnTensor {
  readonly key: string;
  readonly type: "F32" | "F16" | "BF16";
  readonly shape: readonly number[];
  readonly bytes: Buffer;
}

export function drawTensors(layout: Layout, options: CheckpointOptions = {}): DrawnTensor[] {
  const { type = "F32", weights = new Map() } = options;
  return Object.entries(layout).map(([key, shape]) => {
    const bytes = encodeValues(weights.get(key) ?? weight(key, shape), type);
    return { key, type, shape, bytes };
  });
}

/** The bytes of a .safetensors file. Its tensors start at odd places, as those of some real files do. */
export function checkpointBytes(layout: Layout, options: CheckpointOptions = {}): Buffer {
  const header: Record<string, unknown> = { __metadata__: options.metadata ?? {} };
  const tensors = drawTensors(layout, options);
  let offset = 0;
  for (const { key, type, shape, bytes } of tensors) {
    header[key] = { dtype: type, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json + " ".repeat(3 - (json.length % 2)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...tensors.map(({ bytes }) => bytes)]);
}

function encodeValues(values: Float32Array, type: "F32" | "F16" | "BF16"): Buffer {
  if (type === "F32") return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const toBits = type === "BF16" ? upperHalf : halfBits;
  return Buffer.from(Uint16Array.from(bits, toBits).buffer);
}

/** Rounds to the nearest. */
const upperHalf = (bits: number) => (bits + 0x8000) >>> 16;

/** Rounds to the nearest; what F16 cannot hold as a normal number becomes 0. */
function halfBits(bits: number): number {
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const sign = (bits >>> 16) & 0x8000;
  if (exponent <= 0) return sign;
  return sign + (((exponent << 23) + (bits & 0x7fffff) + 0x1000) >>> 13);
}

/** A folder for files of a test. */
export async function openFolder() {
  const folder = await mkdtemp(path.join(tmpdir(), "rabbitloom-models-"));
  return {
    folder,
    async write(name: string, bytes: Uint8Array): Promise<string> {
      const file = path.join(folder, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, bytes);
      return file;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Largest difference over the largest expected magnitude. */
export function relativeError(actual: Tensor, wanted: Tensor): number {
  if (actual.shape.join() !== wanted.shape.join()) {
    throw new Error(`shape [${actual.shape}] where [${wanted.shape}] was expected`);
  }
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < wanted.data.length; i++) {
    difference = Math.max(difference, Math.abs((actual.data[i] ?? 0) - (wanted.data[i] ?? 0)));
    magnitude = Math.max(magnitude, Math.abs(wanted.data[i] ?? 0));
  }
  return difference / magnitude;
}
