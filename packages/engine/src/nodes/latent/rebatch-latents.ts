import { concatenateBatches, repeatToBatch, sliceBatch } from "../../image/batch.ts";
import { asMaskBatch } from "../../image/mask-shape.ts";
import { filled } from "../../image/pointwise.ts";
import { resizeChannels } from "../../image/resize.ts";
import type { Latent, Tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { int, latent } from "../input.ts";
import { batchOf, noiseIndices } from "./latent-batches.ts";

/** All entries of all latents, in batches of `batch_size`; a batch also ends where the size changes. */
export const rebatchLatents = defineNode({
  name: "RebatchLatents",
  displayName: "Rebatch Latents",
  category: "latent/batch",
  module: "comfy_extras.nodes_rebatch",
  schema: "v3",
  inputs: { latents: latent(), batch_size: int({ default: 1, min: 1, max: 4096 }) },
  inputIsList: true,
  outputs: [{ type: "LATENT", isList: true }],
  run: ({ latents, batch_size: [batchSize = 1] }) => [
    runsOfOneSize(singleEntries(latents)).flatMap((run) => inBatches(run, batchSize)),
  ],
});

type Entry = { samples: Tensor; mask: Tensor; noise: number };

const PIXELS = 8;

function singleEntries(latents: readonly Latent[]): Entry[] {
  let place = 0;
  return latents.flatMap((latent) => {
    const count = batchOf(latent);
    const masks = fullMask(latent);
    const noise = noiseIndices(latent, place);
    place += count;
    return Array.from({ length: count }, (_, i) => ({
      samples: sliceBatch(latent.samples, i, 1),
      mask: sliceBatch(masks, i, 1),
      noise: noise[i] ?? i,
    }));
  });
}

/** One mask for each entry, at the picture's size. */
function fullMask({ samples, noiseMask }: Latent): Tensor {
  const count = samples.shape[0] ?? 1;
  const width = (samples.shape.at(-1) ?? 1) * PIXELS;
  const height = (samples.shape.at(-2) ?? 1) * PIXELS;
  if (noiseMask === undefined) return filled([count, height, width], 1);
  const size = { width, height, method: "bilinear" } as const;
  return repeatToBatch(resizeChannels(asMaskBatch(noiseMask), size), count);
}

function runsOfOneSize(entries: readonly Entry[]): Entry[][] {
  const runs: Entry[][] = [];
  for (const entry of entries) {
    const run = runs.at(-1);
    const isSameSize = run?.[0]?.samples.shape.join() === entry.samples.shape.join();
    if (run !== undefined && isSameSize) run.push(entry);
    else runs.push([entry]);
  }
  return runs;
}

function inBatches(run: readonly Entry[], batchSize: number): Latent[] {
  return Array.from({ length: Math.ceil(run.length / batchSize) }, (_, i) => {
    const part = run.slice(i * batchSize, (i + 1) * batchSize);
    const samples = concatenateBatches(part.map((entry) => entry.samples));
    const noiseMask = concatenateBatches(part.map((entry) => entry.mask));
    const batchIndex = part.map((entry) => entry.noise);
    const isMasked = noiseMask.data.some((value) => value !== 1);
    return isMasked ? { samples, noiseMask, batchIndex } : { samples, batchIndex };
  });
}
