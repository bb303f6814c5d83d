/**
 * Tensors that are computed from those of files: merged ones, and such that a LoRA changes as a whole. What is to be
 * computed is known at once, the numbers are when they are needed: a chain of merges then reads each file once.
 */
import { createHash } from "node:crypto";
import type { ElementType } from "../ort/onnx-model.ts";
import { isFloatType } from "./number-formats.ts";
import { readTensor } from "./read-tensor.ts";
import type { Weights } from "./weights.ts";

export interface TensorRecipe {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Of what is computed: equal ids, equal numbers. */
  readonly id: string;
  read(): Promise<Float32Array>;
}

/** A network's tensors as its file has them, and those that differ, by key. */
export interface ChangedWeights {
  readonly base: Weights;
  readonly changes: ReadonlyMap<string, TensorRecipe>;
}

export function unchanged(base: Weights): ChangedWeights {
  return { base, changes: new Map() };
}

/** The tensor under a key, changed or not; nothing where there is none, or one that holds no numbers. */
export function recipeOf({ base, changes }: ChangedWeights, key: string): TensorRecipe | undefined {
  const changed = changes.get(key);
  if (changed !== undefined) return changed;
  const entry = base.tensors.get(key);
  if (entry === undefined || !isFloatType(entry.type)) return undefined;
  return {
    type: entry.type,
    shape: entry.shape,
    id: recipeId(base.id, entry.offset, entry.length),
    read: async () => (await readTensor(entry)).data,
  };
}

/** Short, whatever went into it. */
export function recipeId(...parts: readonly (string | number)[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("base64url").slice(0, 22);
}

/** Of all that differs from the file; the file's own where nothing does. */
export function changedId({ base, changes }: ChangedWeights): string {
  if (changes.size === 0) return base.id;
  const ids = [...changes].map(([key, { id }]) => `${key} ${id}`);
  return `${base.id} changed ${recipeId(...ids.sort((a, b) => (a < b ? -1 : 1)))}`;
}
