import { open } from "node:fs/promises";
import { type Tensor, tensor } from "../tensor.ts";
import { decodeNumbers } from "./number-formats.ts";
import { rowsOf, type TensorEntry } from "./weights.ts";

/** Reads one tensor of a file as F32. Throws for types that hold no numbers of a network. */
export async function readTensor(entry: TensorEntry): Promise<Tensor> {
  await using file = await open(entry.location, "r");
  const bytes = Buffer.alloc(entry.length);
  await file.read(bytes, 0, bytes.length, entry.offset);
  return tensor(entry.shape, decodeNumbers(entry.type, bytes));
}

/** Reads some rows of a matrix. */
export async function readRows(entry: TensorEntry, start: number, end: number): Promise<Tensor> {
  return await readTensor(rowsOf(entry, start, end));
}
