import { stat } from "node:fs/promises";
import { openWeights } from "../models/open-weights.ts";
import { findUnet } from "../models/unet-prefix.ts";
import type { Weights } from "../models/weights.ts";
import type { ModelFiles } from "../nodes/context.ts";
import type { Runtime } from "../ort/runtime.ts";
import { elementCount } from "../tensor.ts";

/** Says whether a model file can be run here at all, from its header alone. */
export interface ModelFit {
  /** Throws DEVICE_OUT_OF_MEMORY for one whose largest network can never fit. */
  check(folder: string, name: string): Promise<void>;
}

/** A file's header is read once, until the file changes. */
export function createModelFit(runtime: Runtime, models: ModelFiles): ModelFit {
  const known = new Map<string, { readonly changedMs: number; readonly elements: number }>();

  async function elementsOf(file: string): Promise<number> {
    const { mtimeMs: changedMs } = await stat(file);
    const earlier = known.get(file);
    if (earlier?.changedMs === changedMs) return earlier.elements;
    const elements = largestNetwork(await openWeights(file));
    known.set(file, { changedMs, elements });
    return elements;
  }

  return {
    async check(folder, name) {
      // What is wrong with a file is for its loader to say.
      const elements = await Promise.resolve(models.path(folder, name))
        .then(elementsOf)
        .catch(() => 0);
      runtime.checkWeights(`the model ${JSON.stringify(name)}`, elements);
    },
  };
}

/** Weights of the UNet where there is one, else of all that is in the file. Networks are opened one by one. */
function largestNetwork(file: Weights): number {
  let { tensors } = file;
  try {
    tensors = findUnet(file).tensors;
  } catch {
    // Some other kind of model.
  }
  return [...tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
}
