/** D of each side of a guidance: one network call for each of its entries, averaged by their weights. */

import { concatChannels, joined } from "../conditioning/concat-channels.ts";
import { cropLatent } from "../conditioning/crop-latent.ts";
import { areaOrAll, entryWeights } from "../conditioning/entry-weights.ts";
import type { LatentArea, ResolvedEntry } from "../conditioning/resolve-entries.ts";
import { sizeVector } from "../conditioning/size-vector.ts";
import { unclipVector } from "../conditioning/unclip-vector.ts";
import { repeatToBatch } from "../image/batch.ts";
import type { LatentShape } from "../math/shape.ts";
import type { GligenBoxes, PlacedObjects } from "../models/gligen-file.ts";
import { type DiffusionModel, type NetworkChange, predict } from "../models/model.ts";
import type { NoiseLevels } from "../schedule/noise-levels.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { attachControl, type ControlCall } from "./control-residuals.ts";
import { denoisedFrom, inputScale, sigmaDataOf } from "./prediction.ts";

export interface SidePredictor {
  /** D of one side at x; zeros where none of its entries reaches. */
  predict(
    side: number,
    x: Float32Array,
    sigma: number,
    change?: NetworkChange,
  ): Promise<Float32Array>;
}

export interface SidePredictorOptions {
  readonly model: DiffusionModel;
  readonly levels: NoiseLevels;
  readonly shape: LatentShape;
  readonly sides: readonly (readonly ResolvedEntry[])[];
  /** What inpainting networks see where a conditioning brings no picture. */
  readonly latent: Tensor;
  readonly noiseMask?: Tensor;
  /** Of the sampling. */
  readonly seed: number | bigint;
  readonly signal: AbortSignal;
}

/** An entry with what stays the same in all steps. */
interface PreparedEntry extends ResolvedEntry {
  readonly box: LatentArea;
  /** [B,h,w] of the box */
  readonly weights: Float32Array;
  readonly context: Tensor;
  readonly y?: Tensor;
  /** [B,extra,h,w] of the box */
  readonly concat?: Tensor;
  readonly addControl?: ControlCall;
  /** Computed at the first call. */
  readonly placeObjects?: () => Promise<PlacedObjects>;
}

interface EntryCall {
  readonly x: Tensor;
  readonly sigma: number;
  readonly change: NetworkChange;
}

/** Weights of all entries start from this, so that what no entry covers is 0 and not 0/0. */
const LEAST_WEIGHT = 1e-37;

export function createSidePredictor(options: SidePredictorOptions): SidePredictor {
  const { model, levels, shape, signal } = options;
  const { channels } = shape;
  const size = shape.height * shape.width;
  const sigmaData = sigmaDataOf(model.sampling);
  const sides = options.sides.map((side) => side.map((entry) => prepareEntry(entry, options)));

  async function predictEntry(
    { box, context, y, concat, addControl, placeObjects }: PreparedEntry,
    { x, sigma, change }: EntryCall,
  ): Promise<Float32Array> {
    signal.throwIfAborted();
    const timestep = levels.timestepOf(sigma);
    const rule = { prediction: model.prediction, sigmaData, sigma, timestep };
    const scale = inputScale(rule);
    const cropped = cropLatent(x, box);
    const scaled = tensor(
      cropped.shape,
      cropped.data.map((value) => value * scale),
    );
    const inputs = {
      timesteps: new Float32Array(shape.batch).fill(timestep),
      context,
      ...(y === undefined ? {} : { y }),
    };
    const control = await addControl?.({ ...inputs, x: scaled }, sigma);
    const objects = await placeObjects?.();
    signal.throwIfAborted();
    const out = await predict(model, {
      ...inputs,
      ...change,
      x: concat === undefined ? scaled : joined(scaled, concat),
      ...(control === undefined ? {} : { control }),
      ...(objects === undefined ? {} : { objects }),
    });
    return denoisedFrom(cropped.data, out.data, rule);
  }

  return {
    async predict(side, x, sigma, change = {}) {
      const entries = (sides[side] ?? []).filter(
        ({ sigmaStart, sigmaEnd }) => sigma <= sigmaStart && sigma >= sigmaEnd,
      );
      const at = tensor([shape.batch, channels, shape.height, shape.width], x);
      const call = { x: at, sigma, change };
      const [only] = entries;
      if (entries.length === 1 && only !== undefined && coversAll(only)) {
        return await predictEntry(only, call);
      }
      const sum = new Float32Array(x.length);
      const total = new Float32Array(shape.batch * size).fill(LEAST_WEIGHT);
      for (const entry of entries) {
        addWeighted({ sum, total, entry, shape, denoised: await predictEntry(entry, call) });
      }
      for (let i = 0; i < sum.length; i++) {
        const b = Math.floor(i / (channels * size));
        sum[i] = (sum[i] ?? 0) / (total[b * size + (i % size)] ?? 1);
      }
      return sum;
    },
  };
}

/** Alone, without area, and with one weight for all pixels: its prediction is the side's. */
function coversAll({ area, mask, weights }: PreparedEntry): boolean {
  return area === undefined && mask === undefined && weights[0] !== 0;
}

function prepareEntry(resolved: ResolvedEntry, options: SidePredictorOptions): PreparedEntry {
  const { model, shape, latent, noiseMask, seed } = options;
  const { entry, isNegative } = resolved;
  const { network } = model;
  const projection = network.promptProjection;
  const isProjected = projection !== undefined && projection.width === entry.context.shape[2];
  const context = isProjected ? projection.project(entry.context) : entry.context;
  const width = context.shape[2];
  if (width !== network.contextWidth) {
    throw new Error(
      `${network.family} reads prompts of width ${network.contextWidth}, got one of ${width}: ` +
        "was it made with another family's CLIP?",
    );
  }
  const box = areaOrAll(resolved, shape);
  const y = vectorOf(entry, { model, isNegative, shape, seed });
  const concat = concatChannels(model, entry, {
    latent,
    shape,
    ...(noiseMask === undefined ? {} : { noiseMask }),
  });
  return {
    ...resolved,
    box,
    weights: entryWeights(resolved, shape),
    context: repeatToBatch(context, shape.batch),
    ...(y === undefined ? {} : { y: repeatToBatch(y, shape.batch) }),
    ...(concat === undefined ? {} : { concat: cropLatent(concat, box) }),
    ...(resolved.boxes === undefined ? {} : { placeObjects: placedOnce(resolved.boxes, box) }),
    ...(resolved.control === undefined
      ? {}
      : {
          addControl: attachControl(resolved.control, model, {
            batch: shape.batch,
            height: box.height,
            width: box.width,
          }),
        }),
  };
}

function placedOnce({ gligen, boxes }: GligenBoxes, box: LatentArea): () => Promise<PlacedObjects> {
  let placed: Promise<PlacedObjects> | undefined;
  return () => {
    placed ??= gligen.place(boxes, box);
    return placed;
  };
}

/** Latent pixels of the families with sizes stand for 8 picture pixels. */
const PIXELS_PER_LATENT = 8;

function vectorOf(
  entry: ResolvedEntry["entry"],
  {
    model: { network },
    isNegative,
    shape,
    seed,
  }: {
    readonly model: DiffusionModel;
    readonly isNegative: boolean;
    readonly shape: LatentShape;
    readonly seed: number | bigint;
  },
): Tensor | undefined {
  if (network.vectorKind === "none") return undefined;
  const { unclip = [] } = entry;
  if (network.vectorKind === "unclip") {
    return unclipVector(unclip, {
      width: network.vectorWidth / 2,
      seed,
      mergeAugmentation: UNCLIP_MERGE_AUGMENTATION,
    });
  }
  const y = sizeVector(unclip.length === 0 ? entry : { ...entry, pooled: followed(entry, seed) }, {
    kind: network.vectorKind,
    isNegative,
    width: shape.width * PIXELS_PER_LATENT,
    height: shape.height * PIXELS_PER_LATENT,
  });
  if (y.shape[1] !== network.vectorWidth) {
    throw new Error(
      `${network.family} wants a vector of ${network.vectorWidth} numbers beside the prompt, ` +
        `got ${y.shape[1]}: was the prompt made with another family's CLIP?`,
    );
  }
  return y;
}

/** Several pictures together are left open a little for networks that were trained on pictures. */
const UNCLIP_MERGE_AUGMENTATION = 0.05;

/** Networks that know pooled text follow a picture in its place: both are made by CLIP's bigG. */
function followed({ unclip = [], pooled }: ResolvedEntry["entry"], seed: number | bigint): Tensor {
  const width = pooled?.shape[1] ?? unclip[0]?.seen.embedding.shape[1] ?? 0;
  const vector = unclipVector(unclip, { width, seed, mergeAugmentation: 0 });
  return tensor([1, width], vector.data.slice(0, width));
}

/** sum += weights D and total += weights, within the entry's box. */
function addWeighted({
  sum,
  total,
  entry: { box, weights },
  shape: { batch, channels, width, height },
  denoised,
}: {
  readonly sum: Float32Array;
  readonly total: Float32Array;
  readonly entry: PreparedEntry;
  readonly shape: LatentShape;
  readonly denoised: Float32Array;
}): void {
  const boxSize = box.width * box.height;
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < box.height; y++) {
      for (let x = 0; x < box.width; x++) {
        const inBox = y * box.width + x;
        const inAll = (box.y + y) * width + box.x + x;
        const weight = weights[b * boxSize + inBox]!;
        total[b * height * width + inAll]! += weight;
        for (let c = 0; c < channels; c++) {
          const plane = b * channels + c;
          sum[plane * height * width + inAll]! += weight * denoised[plane * boxSize + inBox]!;
        }
      }
    }
  }
}
