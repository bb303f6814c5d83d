import { open, realpath } from "node:fs/promises";
import path from "node:path";
import { readSafetensorsHeader } from "./safetensors.ts";
import type { Weights } from "./weights.ts";

/** Reads which tensors a model file holds and where; their bytes stay in the file. Throws MODEL_INVALID. */
export async function openWeights(file: string): Promise<Weights> {
  const location = await realpath(file);
  const name = path.basename(file);
  await using handle = await open(location, "r");
  const { size: sizeBytes, mtimeMs } = await handle.stat();
  const { tensors, metadata } = await readSafetensorsHeader({ handle, sizeBytes, location, name });
  const id = `${location} ${sizeBytes} ${mtimeMs}`;
  return { name, id, tensors, metadata, prefix: "" };
}
