import { open, rename } from "node:fs/promises";
import type { Layout } from "./layouts.ts";

/** Numbers that are drawn; larger tensors repeat them. */
const BLOCK_LENGTH = 2 ** 21;

/** Writes a .safetensors file of random weights, scaled so that activations stay of one size through the layers. */
export async function writeCheckpoint(
  file: string,
  layout: Layout,
  type: "F32" | "F16",
): Promise<void> {
  const elementBytes = type === "F32" ? 4 : 2;
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [key, shape] of layout) {
    const end = offset + count(shape) * elementBytes;
    header[key] = { dtype: type, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  // Under its name only when it is whole: a later run takes what it finds.
  const part = `${file}.part`;
  await using handle = await open(part, "w");
  await handle.appendFile(Buffer.concat([length, text]));
  const block = uniformNumbers(BLOCK_LENGTH);
  for (const [key, shape] of layout) {
    const [scale, shift] = scaleAndShift(key, shape);
    const scaled = encode(block, {
      scale,
      shift,
      type,
      length: Math.min(count(shape), BLOCK_LENGTH),
    });
    for (let left = count(shape); left > 0; left -= BLOCK_LENGTH) {
      await handle.appendFile(scaled.subarray(0, Math.min(left, BLOCK_LENGTH) * elementBytes));
    }
  }
  await rename(part, file);
}

const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** Variance of a layer's outputs is that of its inputs: uniform weights of variance 1 / fan-in. */
function scaleAndShift(key: string, shape: readonly number[]): [scale: number, shift: number] {
  if (key.endsWith("bias")) return [0.05, 0];
  if (shape.length === 1) return [0.05, 1];
  if (key.includes("embedding")) return [0.05, 0];
  return [Math.sqrt(3 / (count(shape) / (shape[0] ?? 1))), 0];
}

/** -1..1, by Marsaglia's xorshift32. */
function uniformNumbers(length: number): Float32Array {
  const numbers = new Float32Array(length);
  let state = 2_463_534_242;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    numbers[i] = state / 2 ** 31;
  }
  return numbers;
}

interface Encoding {
  readonly scale: number;
  readonly shift: number;
  readonly type: "F32" | "F16";
  readonly length: number;
}

function encode(block: Float32Array, { scale, shift, type, length }: Encoding): Buffer {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = (block[i] ?? 0) * scale + shift;
  if (type === "F32") return Buffer.from(values.buffer);
  const bits = new Uint32Array(values.buffer);
  const halves = new Uint16Array(length);
  for (let i = 0; i < length; i++) halves[i] = halfBits(bits[i] ?? 0);
  return Buffer.from(halves.buffer);
}

/** Rounds to the nearest; what F16 cannot hold as a normal number becomes 0. */
function halfBits(bits: number): number {
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const sign = (bits >>> 16) & 0x8000;
  if (exponent <= 0) return sign;
  return sign + (((exponent << 23) + (bits & 0x7fffff) + 0x1000) >>> 13);
}
