/** What goes into the files that CheckpointSave and its relatives write, under the keys that checkpoints have. */

import type { DiffusionModel, TextEncoder, Vae } from "./model.ts";
import { withOpenClipNames } from "./openclip-names.ts";
import {
  emptyTensor,
  type ModelFileContent,
  numberTensor,
  type SavedTensor,
  savedTensors,
} from "./save-model-file.ts";
import { invalidModel } from "./weights.ts";

const UNET_PREFIX = "model.diffusion_model.";
const VAE_PREFIX = "first_stage_model.";

/** Where the towers of a text encoder stand in a checkpoint, and whether under OpenCLIP's names. */
const TEXT_PLACES = {
  sd1: [{ prefix: "cond_stage_model.transformer.", isOpenClip: false }],
  sd2: [{ prefix: "cond_stage_model.model.", isOpenClip: true }],
  sdxl: [
    { prefix: "conditioner.embedders.0.transformer.", isOpenClip: false },
    { prefix: "conditioner.embedders.1.model.", isOpenClip: true },
  ],
  "sdxl-refiner": [{ prefix: "conditioner.embedders.0.model.", isOpenClip: true }],
} as const;

/** How single text encoders are told apart in file names. */
const TOWER_NAMES = {
  sd1: ["clip_l"],
  sd2: ["clip_h"],
  sdxl: ["clip_l", "clip_g"],
  "sdxl-refiner": ["clip_g"],
} as const;

const SPECIFICATION = { "modelspec.sai_model_spec": "1.0.0", "modelspec.implementation": "sgm" };
const ARCHITECTURES: Readonly<Record<string, string>> = {
  "Stable Diffusion XL": "stable-diffusion-xl-v1-base",
  "Stable Diffusion XL refiner": "stable-diffusion-xl-v1-refiner",
};
const PREDICT_KEYS: Readonly<Record<string, string>> = { eps: "epsilon", v: "v" };

/** A whole checkpoint, or its UNet alone. */
export function checkpointContent({
  model,
  clip,
  vae,
}: {
  readonly model: DiffusionModel;
  readonly clip?: TextEncoder;
  readonly vae?: Vae;
}): ModelFileContent {
  const { source, family } = model.network;
  if (source === undefined) throw notOfFile(family);
  const unet = source.weights(model.loras);
  const architecture = ARCHITECTURES[family];
  const predictKey = PREDICT_KEYS[model.prediction];
  return {
    tensors: new Map([
      ...under(UNET_PREFIX, savedTensors(unet)),
      ...markers(model),
      ...(clip === undefined ? [] : textTensors(clip)),
      ...(vae === undefined ? [] : under(VAE_PREFIX, vaeTensors(vae))),
    ]),
    metadata: {
      ...ownMetadata(unet.base.metadata),
      ...SPECIFICATION,
      ...(architecture === undefined ? {} : { "modelspec.architecture": architecture }),
      ...(predictKey === undefined ? {} : { "modelspec.predict_key": predictKey }),
    },
  };
}

export function vaeContent(vae: Vae): ModelFileContent {
  return { tensors: vaeTensors(vae), metadata: ownMetadata(vae.weights?.metadata) };
}

/** One for each tower, with the name that tells it from the other. */
export function clipContents(
  clip: TextEncoder,
): readonly { readonly name: string; readonly content: ModelFileContent }[] {
  const { source, family } = clip.network;
  if (source === undefined) throw notOfFile(family);
  return source.weights(clip.loras).map((weights, index) => ({
    name: TOWER_NAMES[source.family][index] ?? "clip",
    content: { tensors: savedTensors(weights), metadata: ownMetadata(weights.base.metadata) },
  }));
}

function textTensors(clip: TextEncoder): [string, SavedTensor][] {
  const { source, family } = clip.network;
  if (source === undefined) throw notOfFile(family);
  const places = TEXT_PLACES[source.family];
  return source.weights(clip.loras).flatMap((weights, index) => {
    const { prefix = "", isOpenClip = false } = places[index] ?? {};
    const tensors = savedTensors(weights);
    return under(prefix, isOpenClip ? withOpenClipNames(tensors) : tensors);
  });
}

function vaeTensors({ weights, family }: Vae): Map<string, SavedTensor> {
  if (weights === undefined) throw notOfFile(family);
  return savedTensors({ base: weights, changes: new Map() });
}

/** What loaders read the prediction from. */
function markers({ prediction, sampling }: DiffusionModel): [string, SavedTensor][] {
  if (prediction !== "v") return [];
  if (sampling.kind === "continuous") {
    return [
      ["edm_vpred.sigma_max", numberTensor(sampling.sigmaMax)],
      ["edm_vpred.sigma_min", numberTensor(sampling.sigmaMin)],
    ];
  }
  const isZeroSnr = sampling.kind === "discrete" && (sampling.sigmas.at(-1) ?? 0) > ZERO_SNR_SIGMA;
  const found: [string, SavedTensor][] = [["v_pred", emptyTensor()]];
  if (isZeroSnr) found.push(["ztsnr", emptyTensor()]);
  return found;
}

/** Plain schedules end at 14.6, those without signal at the end at 4519. */
const ZERO_SNR_SIGMA = 1000;

function under(prefix: string, tensors: ReadonlyMap<string, SavedTensor>): [string, SavedTensor][] {
  return [...tensors].map(([key, tensor]) => [prefix + key, tensor]);
}

/** What small files of one's own say about themselves. */
function ownMetadata(metadata: ReadonlyMap<string, string> = new Map()): Record<string, string> {
  return Object.fromEntries([...metadata].filter(([key]) => key.startsWith("rabbitloom.")));
}

function notOfFile(what: string) {
  return invalidModel(what, "it is not of a model file, so there is nothing to save or to merge");
}
