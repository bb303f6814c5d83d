import { open, realpath } from "node:fs/promises";
import path from "node:path";
import { foreignFile, START_BYTES } from "./foreign-file.ts";
import { readSafetensorsHeader } from "./safetensors.ts";
import { readTorchFile } from "./torch-file.ts";
import { invalidModel, type Weights } from "./weights.ts";

const ZIP_START = 0x04034b50;
/** Protocol 2: what torch.save wrote before its zip form of 2020. */
const PICKLE_START = 0x80;
/** The JSON of a safetensors header begins with it, behind eight bytes of any value. */
const BRACE = 0x7b;
const BRACE_AT = 8;

/**
 * Reads which tensors a model file holds and where; their bytes stay in the file. What it is shows in its first
 * bytes, not in its name. Throws MODEL_INVALID.
 */
export async function openWeights(file: string): Promise<Weights> {
  const location = await realpath(file);
  const name = path.basename(file);
  await using handle = await open(location, "r");
  const { size: sizeBytes, mtimeMs } = await handle.stat();
  const start = Buffer.alloc(START_BYTES);
  const { bytesRead } = await handle.read(start, 0, START_BYTES, 0);
  const isSafetensors = start.readUInt8(BRACE_AT) === BRACE;
  const foreign = isSafetensors ? undefined : foreignFile(start.subarray(0, bytesRead));
  if (foreign !== undefined) throw invalidModel(name, `it is no model file: ${foreign}`);
  if (!isSafetensors && start.readUInt8(0) === PICKLE_START) {
    throw invalidModel(
      name,
      "it is a bare pickle, as PyTorch wrote before 1.6: save it again in the zip form or as safetensors",
    );
  }
  const isZip = !isSafetensors && start.readUInt32LE(0) === ZIP_START;
  const read = isZip ? readTorchFile : readSafetensorsHeader;
  const { tensors, metadata } = await read({ handle, sizeBytes, location, name });
  const id = `${location} ${sizeBytes} ${mtimeMs}`;
  return { name, id, tensors, metadata, prefix: "" };
}
