import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, realpath, rename, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { quantizeRows } from "../models/quantize-rows.ts";
import { readTensor } from "../models/read-tensor.ts";
import { elementCount } from "../tensor.ts";
import { type LocatedMatrix, type QuantizedWeight, WEIGHTS_ROOT, ZERO_POINTS } from "./graph.ts";

/** Weights in 8 bits, kept in files that sessions map: one file for all of a network's. */
export interface QuantizedFiles {
  /** Quantizes what is not there yet. */
  locate(weights: readonly QuantizedWeight[]): Promise<ReadonlyMap<string, LocatedMatrix>>;
}

export interface QuantizedFilesOptions {
  readonly folder: string;
  /** Of all files together; those that were not used for longest go first, the one just asked for stays. */
  readonly maxBytes: number;
}

const EXTENSION = ".int8";

export function createQuantizedFiles({ folder, maxBytes }: QuantizedFilesOptions): QuantizedFiles {
  return {
    async locate(weights) {
      if (weights.length === 0) return new Map();
      await mkdir(folder, { recursive: true });
      // Sessions refuse what symbolic links lead to.
      const file = path.join(await realpath(folder), `${await digestOf(weights)}${EXTENSION}`);
      const { located, length } = placeMatrices(file, weights);
      const there = await stat(file).catch(() => undefined);
      if (there?.size === length) await utimes(file, new Date(), new Date());
      else await writeMatrices(file, weights);
      await removeOldest(path.dirname(file), { maxBytes, kept: path.basename(file) });
      return located;
    },
  };
}

/** Changes when a model file does. */
async function digestOf(weights: readonly QuantizedWeight[]): Promise<string> {
  const hash = createHash("sha256");
  for (const location of new Set(weights.map(({ entry }) => entry.location))) {
    const { size, mtimeMs } = await stat(location);
    hash.update(`${location} ${size} ${mtimeMs}\n`);
  }
  for (const { name, entry } of weights) hash.update(`${name} ${entry.type} ${entry.shape}\n`);
  return hash.digest("hex").slice(0, 32);
}

/** Each matrix, then its scales, one behind the other. */
function placeMatrices(file: string, weights: readonly QuantizedWeight[]) {
  const location = path.relative(WEIGHTS_ROOT, file);
  const located = new Map<string, LocatedMatrix>();
  let offset = 0;
  const place = (length: number) => {
    offset += length;
    return { location, offset: offset - length, length };
  };
  for (const { name, entry } of weights) {
    const [rows = 0] = entry.shape;
    const values = place(elementCount(entry.shape));
    located.set(name, { values, scales: place(rows * Float32Array.BYTES_PER_ELEMENT) });
  }
  return { located, length: offset };
}

/** Under another name until it is complete: processes may share the folder. */
async function writeMatrices(file: string, weights: readonly QuantizedWeight[]): Promise<void> {
  const unfinished = `${file}.${randomUUID()}`;
  try {
    {
      await using handle = await open(unfinished, "wx");
      for (const { entry, type } of weights) {
        const { values, scales } = quantizeRows(await readTensor(entry), ZERO_POINTS[type]);
        await handle.appendFile(values);
        await handle.appendFile(new Uint8Array(scales.buffer));
      }
    }
    await rename(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function removeOldest(
  folder: string,
  { maxBytes, kept }: { readonly maxBytes: number; readonly kept: string },
): Promise<void> {
  const files: { name: string; size: number; usedMs: number }[] = [];
  for (const name of await readdir(folder)) {
    if (!name.endsWith(EXTENSION)) continue;
    const found = await stat(path.join(folder, name)).catch(() => undefined);
    if (found !== undefined) files.push({ name, size: found.size, usedMs: found.mtimeMs });
  }
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { name, size } of files.sort((a, b) => a.usedMs - b.usedMs)) {
    if (total <= maxBytes) return;
    if (name === kept) continue;
    await rm(path.join(folder, name), { force: true });
    total -= size;
  }
}
