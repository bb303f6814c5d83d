import type { NodeClass } from "../define-node.ts";
import * as empty from "./empty-latents.ts";
import * as arithmetic from "./latent-arithmetic.ts";
import * as batches from "./latent-batches.ts";
import * as composite from "./latent-composite.ts";
import * as files from "./latent-files.ts";
import * as join from "./latent-join.ts";
import * as operations from "./latent-operations.ts";
import * as scale from "./latent-scale.ts";
import * as transform from "./latent-transform.ts";
import { rebatchLatents } from "./rebatch-latents.ts";
import { setLatentNoiseMask } from "./set-latent-noise-mask.ts";
import { videoLatentNodes } from "./video-latents.ts";

export const latentNodes: readonly NodeClass[] = [
  ...Object.values(empty),
  ...Object.values(arithmetic),
  batches.latentBatch,
  batches.latentBatchSeedBehavior,
  batches.latentFromBatch,
  batches.repeatLatentBatch,
  ...Object.values(composite),
  ...Object.values(files),
  ...Object.values(join),
  ...Object.values(operations),
  ...Object.values(scale),
  ...Object.values(transform),
  rebatchLatents,
  setLatentNoiseMask,
  ...videoLatentNodes,
];
