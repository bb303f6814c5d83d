import type { LatentShape } from "../math/shape.ts";
import type { DiffusionModel, NetworkChange } from "../models/model.ts";

/** What is known when the sides' predictions become one. All arrays: D's or x, [B,C,h,w] flat. */
export interface GuidanceStage {
  readonly model: DiffusionModel;
  readonly shape: LatentShape;
  readonly sigma: number;
  /** Noisy, as the solver holds it. */
  readonly x: Float32Array;
  readonly positive: Float32Array;
  /** Zeros where cfg 1 spared its evaluation. */
  readonly negative: Float32Array;
  readonly cfg: number;
}

export interface GuidedStage extends GuidanceStage {
  readonly denoised: Float32Array;
  /** The positive side once more, by the network with a change. */
  predictPositive(change: NetworkChange): Promise<Float32Array>;
}

/** Changes to guidance that a MODEL carries; each node adds its own to a copy. */
export interface ModelGuidance {
  /** Instead of negative + cfg (positive - negative); the last node's counts. */
  readonly formula?: (stage: GuidanceStage) => Float32Array;
  /** In turn, on the sides' predictions. */
  readonly before?: readonly ((stage: GuidanceStage) => {
    readonly positive: Float32Array;
    readonly negative: Float32Array;
  })[];
  /** In turn, on the result. */
  readonly after?: readonly ((stage: GuidedStage) => Float32Array | Promise<Float32Array>)[];
  /** What the noise mask is at a level, the whole sampling's levels given. mask: [B,C,h,w] flat */
  readonly maskAt?: (
    mask: Float32Array,
    at: { readonly sigma: number; readonly sigmas: Float32Array; readonly model: DiffusionModel },
  ) => Float32Array;
}

/** A copy of the model with more changes. */
export function withGuidance(model: DiffusionModel, added: ModelGuidance): DiffusionModel {
  const { before = [], after = [] } = model.guidance ?? {};
  return {
    ...model,
    guidance: {
      ...model.guidance,
      ...added,
      before: [...before, ...(added.before ?? [])],
      after: [...after, ...(added.after ?? [])],
    },
  };
}
