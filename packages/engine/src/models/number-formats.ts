/** Between the number formats of model files and 32-bit floats. */
import type { ElementType } from "../ort/onnx-model.ts";
import { elementSizes } from "./element-size.ts";

export type FloatType = "F32" | "F16" | "BF16";

export function isFloatType(type: ElementType): type is FloatType {
  return type === "F32" || type === "F16" || type === "BF16";
}

/** Throws for types that hold no numbers of a network. */
export function decodeNumbers(type: ElementType, bytes: Buffer): Float32Array {
  const values = new Float32Array(bytes.length / elementSizes[type]);
  const read = READERS[type];
  if (read === undefined) throw new Error(`tensors of type ${type} cannot be read as numbers`);
  for (let i = 0; i < values.length; i++) values[i] = read(bytes, i * elementSizes[type]);
  return values;
}

/** Rounded to the nearest, ties to even, as PyTorch does. */
export function encodeNumbers(type: FloatType, values: Float32Array): Buffer {
  if (type === "F32") return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Buffer.from(Uint16Array.from(bits, type === "BF16" ? toUpperHalf : toHalf).buffer);
}

type Reader = (bytes: Buffer, at: number) => number;

const READERS: Readonly<Partial<Record<ElementType, Reader>>> = {
  F64: (bytes, at) => bytes.readDoubleLE(at),
  F32: (bytes, at) => bytes.readFloatLE(at),
  F16: (bytes, at) => halves()[bytes.readUInt16LE(at)] ?? 0,
  BF16: (bytes, at) => upperHalfToNumber(bytes.readUInt16LE(at)),
  I64: (bytes, at) => Number(bytes.readBigInt64LE(at)),
};

/** Every half-precision number by its bits, made when the first one is read. */
let halfTable: Float32Array | undefined;
function halves(): Float32Array {
  halfTable ??= Float32Array.from({ length: 0x10000 }, (_, bits) => halfToNumber(bits));
  return halfTable;
}

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

const isNaN32 = (bits: number) => (bits & 0x7fffffff) > 0x7f800000;

function toUpperHalf(bits: number): number {
  if (isNaN32(bits)) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function toHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  if (isNaN32(bits)) return sign | 0x7e00;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  if (exponent >= 0x1f) return sign | 0x7c00;
  if (exponent > 0) return sign + rounded((exponent << 23) | (bits & 0x7fffff), 13);
  if (exponent < -10) return sign;
  return sign + rounded((bits & 0x7fffff) | 0x800000, 14 - exponent);
}

/** Without its lowest bits; a carry goes into the exponent, as it should. */
function rounded(value: number, dropped: number): number {
  const kept = value >>> dropped;
  const rest = value & ((1 << dropped) - 1);
  const tie = 1 << (dropped - 1);
  return rest > tie || (rest === tie && (kept & 1) === 1) ? kept + 1 : kept;
}
