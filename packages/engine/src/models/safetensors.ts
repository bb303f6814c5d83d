/**
 * Headers of .safetensors files: their length (u64, little-endian), JSON with type, shape and byte range of each tensor,
 * then the bytes. Whatever a header claims is checked against the file before anybody maps a byte of it.
 */
import type { FileHandle } from "node:fs/promises";
import * as z from "zod";
import { elementCount } from "../tensor.ts";
import { elementSizes, isElementType } from "./element-size.ts";
import { invalidModel, type TensorEntry, type Weights } from "./weights.ts";

/** As the reference implementation limits it. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

const headerSchema = z.record(z.string(), z.unknown());
const metadataSchema = z.record(z.string(), z.string());
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

export interface OpenFile {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  /** Absolute and without symbolic links. */
  readonly location: string;
  readonly name: string;
}

export async function readSafetensorsHeader(
  file: OpenFile,
): Promise<Pick<Weights, "tensors" | "metadata">> {
  const { header, bodyOffset } = await readHeader(file);
  const { __metadata__, ...entries } = header;
  const metadata = metadataSchema.safeParse(__metadata__);
  const tensors = new Map<string, TensorEntry>();
  for (const [key, entry] of Object.entries(entries)) {
    tensors.set(key, placeTensor(file, { key, entry, bodyOffset }));
  }
  checkApart(file, tensors);
  return { tensors, metadata: new Map(Object.entries(metadata.data ?? {})) };
}

/** Bytes of two tensors at once: the header is not that of this file. */
function checkApart(file: OpenFile, tensors: ReadonlyMap<string, TensorEntry>): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.offset - b.offset);
  let before = { key: "", end: 0 };
  for (const [key, { offset, length }] of inOrder) {
    if (length === 0) continue;
    if (offset < before.end) {
      throw invalidModel(file.name, `tensors "${before.key}" and "${key}" lie in the same bytes`);
    }
    before = { key, end: offset + length };
  }
}

async function readHeader(file: OpenFile) {
  const refuse = (problem: string, cause?: unknown) =>
    invalidModel(file.name, `it is not a safetensors file: ${problem}`, cause);
  const lengthBytes = Buffer.alloc(LENGTH_BYTES);
  const { bytesRead } = await file.handle.read(lengthBytes, 0, LENGTH_BYTES, 0);
  if (bytesRead < LENGTH_BYTES) throw refuse(`it has only ${bytesRead} bytes`);
  const length = Number(lengthBytes.readBigUInt64LE());
  if (length > MAX_HEADER_BYTES || LENGTH_BYTES + length > file.sizeBytes) {
    throw refuse(
      `its header claims ${length} bytes, of ${file.sizeBytes} in the file and ${MAX_HEADER_BYTES} allowed`,
    );
  }
  const text = Buffer.alloc(length);
  await file.handle.read(text, 0, length, LENGTH_BYTES);
  try {
    const header = headerSchema.parse(JSON.parse(text.toString("utf8")));
    return { header, bodyOffset: LENGTH_BYTES + length };
  } catch (cause) {
    throw refuse("its header is not a JSON object", cause);
  }
}

function placeTensor(
  file: OpenFile,
  { key, entry, bodyOffset }: { key: string; entry: unknown; bodyOffset: number },
): TensorEntry {
  const refuse = (problem: string) => invalidModel(file.name, `tensor "${key}" ${problem}`);
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success) throw refuse("is not described by dtype, shape and data_offsets");
  const { dtype: type, shape, data_offsets: range } = parsed.data;
  if (!isElementType(type)) throw refuse(`is of type ${type}, which is not known`);
  const [offset, end] = [bodyOffset + range[0], bodyOffset + range[1]];
  const length = elementCount(shape) * elementSizes[type];
  if (end - offset !== length) {
    throw refuse(`has ${end - offset} bytes, but ${type} [${shape.join(", ")}] takes ${length}`);
  }
  if (end > file.sizeBytes) {
    throw refuse(`ends at byte ${end}, but the file has ${file.sizeBytes}: it is cut off`);
  }
  return { type, shape, location: file.location, offset, length };
}
