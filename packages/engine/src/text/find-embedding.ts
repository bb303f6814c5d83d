import { openWeights } from "../models/open-weights.ts";
import { readTensor } from "../models/read-tensor.ts";
import type { FindEmbedding, TowerSlot } from "../models/text-tower.ts";
import type { TensorEntry, Weights } from "../models/weights.ts";
import type { ModelFiles } from "../nodes/context.ts";

const EXTENSIONS = ["", ".safetensors", ".pt", ".bin"];

/** Looks learnt embeddings up in the `embeddings` folder and below it, by name with or without extension. */
export function embeddingFinder(models: ModelFiles): FindEmbedding {
  return async (name, tower) => {
    const file = findFile(models.list("embeddings"), name);
    if (file === undefined) return undefined;
    const weights = await openWeights(models.path("embeddings", file));
    const entry = findVectors(weights, tower);
    return entry === undefined
      ? { problem: otherWidth(file, weights, tower) }
      : { vectors: await readVectors(entry) };
  };
}

function findFile(files: readonly string[], name: string): string | undefined {
  for (const extension of EXTENSIONS) {
    const wanted = name + extension;
    const found = files.find((file) => file === wanted || file.endsWith(`/${wanted}`));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Keys that files of several forms have for a tower; the first tensor is taken where none of them is there. */
const KEYS: Readonly<Record<TowerSlot, readonly string[]>> = {
  l: ["clip_l", "string_to_param.*", "emb_params"],
  g: ["clip_g", "clip_h", "string_to_param.*", "emb_params"],
};

/** Vectors of another width than the tower's are for another model: none then. */
function findVectors(
  { tensors }: Weights,
  { slot, width }: { slot: TowerSlot; width: number },
): TensorEntry | undefined {
  const named = KEYS[slot].map((key) => tensors.get(key));
  return [...named, ...tensors.values()].find((entry) => entry?.shape.at(-1) === width);
}

function otherWidth(
  file: string,
  { tensors }: Weights,
  { slot, width }: { slot: TowerSlot; width: number },
): string {
  const widths = new Set([...tensors.values()].map(({ shape }) => shape.at(-1) ?? 0));
  return (
    `The embedding ${JSON.stringify(file)} has vectors of width ${[...widths].join(" and ")}; ` +
    `the text encoder (${slot === "l" ? "CLIP-L" : "OpenCLIP"}) reads ${width}. It is left out.`
  );
}

async function readVectors(entry: TensorEntry): Promise<readonly Float32Array[]> {
  const { data, shape } = await readTensor(entry);
  const width = shape.at(-1) ?? 0;
  return Array.from({ length: data.length / width }, (_, row) =>
    data.subarray(row * width, (row + 1) * width),
  );
}
