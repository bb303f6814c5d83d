/** What networks for inpainting and editing see beside x: channels after x's, in model space, not scaled like x. */

import { intoModelSpace } from "../guidance/latent-space.ts";
import { repeatToBatch } from "../image/batch.ts";
import { asMaskBatch } from "../image/mask-shape.ts";
import { resizeChannels } from "../image/resize.ts";
import { roundHalfEven } from "../image/rounding.ts";
import { type LatentShape, latentShape } from "../math/shape.ts";
import type { ConditioningEntry, DiffusionModel } from "../models/model.ts";
import { type Tensor, tensor } from "../tensor.ts";

export interface ConcatSources {
  /** The sampling's own latent in model space, [B,C,h,w]. */
  readonly latent: Tensor;
  /** The sampling's own noise mask. */
  readonly noiseMask?: Tensor;
  readonly shape: LatentShape;
}

/** An empty picture's latent by channel, for inpainting networks without a mask. */
const EMPTY_PICTURE = [0.8223, -0.6876, 0.6364, 0.138];

/** [B,extra,h,w], or nothing where the network takes x alone. Throws for a network with other inputs than known ones. */
export function concatChannels(
  model: DiffusionModel,
  entry: ConditioningEntry,
  sources: ConcatSources,
): Tensor | undefined {
  const { channels } = model.latentFormat;
  const extra = model.network.inputChannels - channels;
  if (extra === 0) return undefined;
  if (extra === channels + 1) return inpaintChannels(model, entry, sources);
  if (extra === channels) return editChannels(model, entry, sources);
  throw new Error(
    `${model.network.family} takes ${model.network.inputChannels} channels; known are ${channels}, ` +
      `${2 * channels} (editing) and ${2 * channels + 1} (inpainting)`,
  );
}

/** Mask, rounded to 0 and 1, then the picture with its hole. Rombach et al. 2022, arXiv:2112.10752, sec. 4.5. */
function inpaintChannels(
  model: DiffusionModel,
  entry: ConditioningEntry,
  { latent, noiseMask, shape }: ConcatSources,
): Tensor {
  const mask = entry.concatMask ?? noiseMask;
  if (mask === undefined) {
    const ones = tensor([shape.batch, 1, shape.height, shape.width]);
    ones.data.fill(1);
    return joined(ones, emptyPicture(shape));
  }
  const picture =
    entry.concatLatent === undefined
      ? latent
      : intoModelSpace(entry.concatLatent, model.latentFormat);
  return joined(roundedMask(mask, shape), fitted(picture, shape));
}

/**
 * The picture to edit. Networks trained with the VAE's own values get those; the one on a continuous schedule
 * (CosXL) gets them in model space. Brooks et al. 2023, arXiv:2211.09800.
 */
function editChannels(
  { latentFormat, sampling }: DiffusionModel,
  { concatLatent }: ConditioningEntry,
  { shape }: ConcatSources,
): Tensor {
  if (concatLatent === undefined) {
    return tensor([shape.batch, latentFormat.channels, shape.height, shape.width]);
  }
  const isScaled = sampling.kind === "continuous";
  return fitted(isScaled ? intoModelSpace(concatLatent, latentFormat) : concatLatent, shape);
}

function roundedMask(mask: Tensor, shape: LatentShape): Tensor {
  const batch = asMaskBatch(mask);
  const [count = 1, height = 1, width = 1] = batch.shape;
  const fit = fitted(tensor([count, 1, height, width], batch.data), shape);
  return tensor(fit.shape, fit.data.map(roundHalfEven));
}

function fitted(t: Tensor, { batch, height, width }: LatentShape): Tensor {
  const isFitting = t.shape[2] === height && t.shape[3] === width;
  const resized = isFitting
    ? t
    : resizeChannels(t, { width, height, method: "bilinear", crop: "center" });
  return repeatToBatch(resized, batch);
}

function emptyPicture({ batch, height, width }: LatentShape): Tensor {
  const area = height * width;
  const picture = tensor([batch, EMPTY_PICTURE.length, height, width]);
  for (let c = 0; c < batch * EMPTY_PICTURE.length; c++) {
    picture.data.fill(EMPTY_PICTURE[c % EMPTY_PICTURE.length] ?? 0, c * area, (c + 1) * area);
  }
  return picture;
}

/** a: [B,C,h,w], b: [B,D,h,w]; returns [B,C+D,h,w] */
export function joined(a: Tensor, b: Tensor): Tensor {
  const first = latentShape(a.shape);
  const second = latentShape(b.shape);
  const { batch, height, width } = first;
  const sizeA = first.channels * height * width;
  const sizeB = second.channels * height * width;
  const out = tensor([batch, first.channels + second.channels, height, width]);
  for (let i = 0; i < batch; i++) {
    out.data.set(a.data.subarray(i * sizeA, (i + 1) * sizeA), i * (sizeA + sizeB));
    out.data.set(b.data.subarray(i * sizeB, (i + 1) * sizeB), i * (sizeA + sizeB) + sizeA);
  }
  return out;
}
