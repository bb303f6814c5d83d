/**
 * Small safetensors files as a whole: a header of JSON behind its length (u64, little-endian), then
 * the tensors' bytes. Reads F32, F16 and BF16, writes F32.
 */
import * as z from "zod";
import { elementCount, type Tensor, tensor } from "../tensor.ts";

const tensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const headerSchema = z.record(z.string(), z.unknown());

export function writeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>>,
): Buffer {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const end = offset + data.byteLength;
    header[name] = { dtype: "F32", shape, data_offsets: [offset, end] };
    parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    offset = end;
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json + " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

/** `name` is the file, for errors. */
export function readSafetensors(bytes: Buffer, name: string): Map<string, Tensor> {
  const headerLength = bytes.length < 8 ? -1 : Number(bytes.readBigUInt64LE(0));
  if (headerLength < 0 || 8 + headerLength > bytes.length) {
    throw new Error(`${name} is not a safetensors file: its header is cut off`);
  }
  const header = parseHeader(bytes.subarray(8, 8 + headerLength), name);
  const body = bytes.subarray(8 + headerLength);
  const tensors = new Map<string, Tensor>();
  for (const [key, value] of Object.entries(header)) {
    if (key === "__metadata__") continue;
    const entry = tensorSchema.safeParse(value);
    if (!entry.success) {
      throw new Error(`${name}: ${key} is not described by dtype, shape and data_offsets`);
    }
    const { dtype, shape, data_offsets: range } = entry.data;
    tensors.set(
      key,
      tensor(shape, decodeValues(body.subarray(...range), { dtype, shape, key, name })),
    );
  }
  return tensors;
}

function parseHeader(bytes: Buffer, name: string): Record<string, unknown> {
  try {
    return headerSchema.parse(JSON.parse(bytes.toString("utf8")));
  } catch (cause) {
    throw new Error(`${name} is not a safetensors file: its header is not JSON`, { cause });
  }
}

function decodeValues(
  bytes: Buffer,
  { dtype, shape, key, name }: { dtype: string; shape: number[]; key: string; name: string },
): Float32Array {
  const decode = DECODERS[dtype];
  if (decode === undefined) {
    throw new Error(`${name}: ${key} is ${dtype}, only F32, F16 and BF16 can be read`);
  }
  // Before anything is made: a shape costs nothing to write.
  const count = elementCount(shape);
  if (bytes.length !== count * decode.size) {
    throw new Error(`${name}: ${key} of shape [${shape}] has ${bytes.length} bytes`);
  }
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = decode.read(bytes, i * decode.size);
  return values;
}

type Decoder = { readonly size: number; readonly read: (bytes: Buffer, at: number) => number };

const DECODERS: Readonly<Record<string, Decoder>> = {
  F32: { size: 4, read: (bytes, at) => bytes.readFloatLE(at) },
  F16: { size: 2, read: (bytes, at) => halfToNumber(bytes.readUInt16LE(at)) },
  BF16: { size: 2, read: (bytes, at) => bfloatToNumber(bytes.readUInt16LE(at)) },
};

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a binary32. */
function bfloatToNumber(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, bits);
  return view.getFloat32(0);
}
