import type { Runtime } from "../ort/runtime.ts";
import { withDiffusersVaeRenamed } from "./diffusers-vae.ts";
import { createDiffusionModel } from "./diffusion-network.ts";
import { findText } from "./find-text.ts";
import type { DiffusionModel, TextEncoder, Vae } from "./model.ts";
import { openWeights } from "./open-weights.ts";
import { createTaesdVae, isTaesd } from "./taesd-vae.ts";
import { createTextEncoder } from "./text-encoder.ts";
import type { FindEmbedding } from "./text-tower.ts";
import { findUnet } from "./unet-prefix.ts";
import { unknownFile } from "./unknown-file.ts";
import { createVae } from "./vae.ts";
import { type Weights, weightsUnder } from "./weights.ts";

/** What one file with all of a model holds; null for a part that it lacks. */
export interface Checkpoint {
  readonly model: DiffusionModel;
  readonly clip: TextEncoder | null;
  readonly vae: Vae | null;
}

export interface ModelFile {
  /** Path. */
  readonly file: string;
  readonly findEmbedding?: FindEmbedding | undefined;
}

const VAE_PREFIX = "first_stage_model.";

/** Throws MODEL_INVALID for files without a UNet, and for parts that are not complete. */
export async function loadCheckpoint(
  runtime: Runtime,
  { file, findEmbedding }: ModelFile,
): Promise<Checkpoint> {
  const weights = await openWeights(file);
  const model = await createDiffusionModel(runtime, { file: weights, unet: findUnet(weights) });
  const text = findText(weights);
  const vae = weightsUnder(weights, VAE_PREFIX);
  return {
    model,
    clip: text === undefined ? null : createTextEncoder(runtime, { ...text, findEmbedding }),
    vae: vae.tensors.size === 0 ? null : createVae(runtime, vae),
  };
}

/** A file with a UNet alone, under whatever prefix. */
export async function loadUnet(runtime: Runtime, file: string): Promise<DiffusionModel> {
  const weights = await openWeights(file);
  return await createDiffusionModel(runtime, { file: weights, unet: findUnet(weights) });
}

/** A VAE of its own, under Stable Diffusion's names or diffusers', or a TAESD. */
export async function loadVae(runtime: Runtime, file: string): Promise<Vae> {
  const weights = await openWeights(file);
  if (isTaesd(weights)) return await createTaesdVae(runtime, weights);
  return createVae(runtime, findVae(weights));
}

function findVae(file: Weights): Weights {
  const renamed = withDiffusersVaeRenamed(file);
  for (const prefix of ["", VAE_PREFIX, "vae."]) {
    const vae = weightsUnder(renamed, prefix);
    if (vae.tensors.has("decoder.conv_in.weight")) return vae;
  }
  throw unknownFile(file, "a VAE");
}
