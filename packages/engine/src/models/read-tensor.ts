import { open } from "node:fs/promises";
import { type Tensor, tensor } from "../tensor.ts";
import { elementSizes } from "./element-size.ts";
import { rowsOf, type TensorEntry } from "./weights.ts";

/** Reads one tensor of a file as F32. Throws for types that hold no numbers of a network. */
export async function readTensor(entry: TensorEntry): Promise<Tensor> {
  await using file = await open(entry.location, "r");
  const bytes = Buffer.alloc(entry.length);
  await file.read(bytes, 0, bytes.length, entry.offset);
  return tensor(entry.shape, decode(entry.type, bytes));
}

/** Reads some rows of a matrix. */
export async function readRows(entry: TensorEntry, start: number, end: number): Promise<Tensor> {
  return await readTensor(rowsOf(entry, start, end));
}

function decode(type: TensorEntry["type"], bytes: Buffer): Float32Array {
  const values = new Float32Array(bytes.length / elementSizes[type]);
  const read = READERS[type];
  if (read === undefined) throw new Error(`tensors of type ${type} cannot be read as numbers`);
  for (let i = 0; i < values.length; i++) values[i] = read(bytes, i * elementSizes[type]);
  return values;
}

type Reader = (bytes: Buffer, at: number) => number;

const READERS: Readonly<Partial<Record<TensorEntry["type"], Reader>>> = {
  F64: (bytes, at) => bytes.readDoubleLE(at),
  F32: (bytes, at) => bytes.readFloatLE(at),
  F16: (bytes, at) => halfToNumber(bytes.readUInt16LE(at)),
  BF16: (bytes, at) => upperHalfToNumber(bytes.readUInt16LE(at)),
  I64: (bytes, at) => Number(bytes.readBigInt64LE(at)),
};

/** IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const converted = new DataView(new ArrayBuffer(4));

/** bfloat16 is the upper half of a binary32. */
function upperHalfToNumber(bits: number): number {
  converted.setUint16(0, bits);
  return converted.getFloat32(0);
}
