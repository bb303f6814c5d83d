/** Latent batches taken apart and put together, with their masks and the noise each entry takes. */
import { concatenateBatches, repeatToBatch, sliceBatch } from "../../image/batch.ts";
import type { Latent } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { combo, int, latent } from "../input.ts";
import { fitLatentSize } from "./fit-latent.ts";

const module = "comfy_extras.nodes_latent";

/** Index and length are cut to what the batch has. */
export const latentFromBatch = defineNode({
  name: "LatentFromBatch",
  displayName: "Latent From Batch",
  category: "latent/batch",
  inputs: {
    samples: latent(),
    batch_index: int({ default: 0, min: 0, max: 63 }),
    length: int({ default: 1, min: 1, max: 64 }),
  },
  outputs: ["LATENT"],
  run: ({ samples, batch_index, length }) => {
    const count = batchOf(samples);
    const start = Math.min(count - 1, batch_index);
    return [sliceLatent(samples, start, Math.min(count - start, length))];
  },
});

function sliceLatent(samples: Latent, start: number, length: number): Latent {
  const { noiseMask } = samples;
  const result = {
    ...samples,
    samples: sliceBatch(samples.samples, start, length),
    batchIndex: noiseIndices(samples).slice(start, start + length),
  };
  if (noiseMask === undefined || noiseMask.shape[0] === 1) return result;
  const masks = repeatToBatch(noiseMask, batchOf(samples));
  return { ...result, noiseMask: sliceBatch(masks, start, length) };
}

/** Copies take the noise that follows: indices go on behind the highest one. */
export const repeatLatentBatch = defineNode({
  name: "RepeatLatentBatch",
  displayName: "Repeat Latent Batch",
  category: "latent/batch",
  inputs: { samples: latent(), amount: int({ default: 1, min: 1, max: 64 }) },
  outputs: ["LATENT"],
  run: ({ samples, amount }) => {
    const count = batchOf(samples);
    const { noiseMask, batchIndex } = samples;
    const result: Latent = { ...samples, samples: repeatToBatch(samples.samples, count * amount) };
    const masked =
      noiseMask === undefined || noiseMask.shape[0] === 1
        ? result
        : { ...result, noiseMask: repeatToBatch(repeatToBatch(noiseMask, count), count * amount) };
    if (batchIndex === undefined) return [masked];
    const span = Math.max(...batchIndex) - Math.min(...batchIndex) + 1;
    const indices = Array.from({ length: amount }, (_, copy) =>
      batchIndex.map((index) => index + copy * span),
    );
    return [{ ...masked, batchIndex: indices.flat() }];
  },
});

/** samples2 behind samples1, cut and stretched to its size. */
export const latentBatch = defineNode({
  name: "LatentBatch",
  category: "latent/batch",
  module,
  schema: "v3",
  inputs: { samples1: latent(), samples2: latent() },
  outputs: ["LATENT"],
  run: ({ samples1, samples2 }) => {
    const second = fitLatentSize(samples2.samples, samples1.samples);
    return [
      {
        ...samples1,
        samples: concatenateBatches([samples1.samples, second]),
        batchIndex: [...noiseIndices(samples1), ...noiseIndices(samples2)],
      },
    ];
  },
});

/** "fixed": every entry takes the first one's noise; "random": each takes its own. */
export const latentBatchSeedBehavior = defineNode({
  name: "LatentBatchSeedBehavior",
  category: "latent/advanced",
  module,
  schema: "v3",
  inputs: {
    samples: latent(),
    seed_behavior: combo(["random", "fixed"], { default: "fixed", multiselect: false }),
  },
  outputs: ["LATENT"],
  run: ({ samples, seed_behavior }) => {
    const { batchIndex, ...rest } = samples;
    if (seed_behavior === "random") return [rest];
    const first = batchIndex?.[0] ?? 0;
    return [{ ...rest, batchIndex: Array.from({ length: batchOf(samples) }, () => first) }];
  },
});

export function batchOf({ samples }: Latent): number {
  return samples.shape[0] ?? 1;
}

/** Which noise of the seed each entry takes; by default its place in the batch. */
export function noiseIndices(latent: Latent, firstPlace = 0): readonly number[] {
  return (
    latent.batchIndex ?? Array.from({ length: batchOf(latent) }, (_, place) => firstPlace + place)
  );
}
