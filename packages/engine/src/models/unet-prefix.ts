import { DIFFUSERS_UNET_MARK, withOwnUnetNames } from "./diffusers-unet.ts";
import { unknownFile } from "./unknown-file.ts";
import { type Weights, weightsUnder } from "./weights.ts";

const PREFIXES = ["model.diffusion_model.", "model.model.", "net.", "model.", ""];

/** The UNet's tensors of a checkpoint or of a file of its own. Throws MODEL_INVALID saying what the file holds instead. */
export function findUnet(file: Weights): Weights {
  const prefix = PREFIXES.find((start) => file.tensors.has(`${start}input_blocks.0.0.weight`));
  if (prefix === undefined && file.tensors.has(DIFFUSERS_UNET_MARK)) return withOwnUnetNames(file);
  if (prefix === undefined) throw unknownFile(file, "the UNet of a diffusion model");
  return weightsUnder(file, prefix);
}
