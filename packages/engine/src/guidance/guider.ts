import type { LatentShape } from "../math/shape.ts";
import { weightedSum } from "../math/weighted-sum.ts";
import type { Conditioning, DiffusionModel, NetworkChange } from "../models/model.ts";
import type { GuidedStage } from "./model-guidance.ts";

/** A GUIDER: what is predicted with, and how the predictions become one. */
export interface Guider {
  readonly model: DiffusionModel;
  readonly sides: readonly GuiderSide[];
  guide(call: GuidanceCall): Promise<Guided>;
}

export interface GuiderSide {
  readonly conditioning: Conditioning;
  /** Defaults of sizes and scores differ for negative prompts. */
  readonly isNegative: boolean;
}

export interface GuidanceCall {
  readonly x: Float32Array;
  readonly sigma: number;
  readonly shape: LatentShape;
  /** The solver wants the negative side whatever cfg is. */
  readonly needsNegative: boolean;
  /** D of a side, by its place in `sides`. */
  predict(side: number, change?: NetworkChange): Promise<Float32Array>;
}

export interface Guided {
  readonly denoised: Float32Array;
  /** Zeros where it was not evaluated. */
  readonly negative: Float32Array;
}

/** The prompt's own prediction. */
export function basicGuider(model: DiffusionModel, conditioning: Conditioning): Guider {
  return {
    model,
    sides: [{ conditioning, isNegative: false }],
    guide: async ({ predict, x, sigma, shape }) => {
      const positive = await predict(0);
      const negative = new Float32Array(positive.length);
      const stage = { model, x, sigma, shape, positive, negative, cfg: 1 };
      return await finish({ ...stage, predictPositive: again(predict) }, false);
    },
  };
}

/**
 *   D = D_neg + cfg (D_pos - D_neg)
 *
 * Ho and Salimans 2022, arXiv:2207.12598, eq. 6. At cfg 1 the negative side is not evaluated.
 */
export function cfgGuider(
  model: DiffusionModel,
  {
    positive,
    negative,
    cfg,
  }: { readonly positive: Conditioning; readonly negative: Conditioning; readonly cfg: number },
): Guider {
  return {
    model,
    sides: [
      { conditioning: positive, isNegative: false },
      { conditioning: negative, isNegative: true },
    ],
    async guide({ predict, x, sigma, shape, needsNegative }) {
      const ofPositive = await predict(0);
      const isBoth = needsNegative || !isOne(cfg);
      const ofNegative = isBoth ? await predict(1) : new Float32Array(ofPositive.length);
      const stage = { model, x, sigma, shape, cfg, positive: ofPositive, negative: ofNegative };
      return await finish({ ...stage, predictPositive: again(predict) }, isBoth);
    },
  };
}

/**
 * Two prompts and a negative one; of the two, the second may be that of a picture to edit.
 *
 *   regular:  D = neg + cfg2 (c2 - neg) + cfg (c1 - c2)
 *   nested:   D = neg + cfg2 ((c2 + cfg (c1 - c2)) - neg)
 *
 * Brooks et al. 2023, InstructPix2Pix, arXiv:2211.09800, eq. 3.
 */
export function dualCfgGuider(
  model: DiffusionModel,
  {
    first,
    second,
    negative,
    cfgConds,
    cfgSecondNegative,
    style,
  }: {
    readonly first: Conditioning;
    readonly second: Conditioning;
    readonly negative: Conditioning;
    readonly cfgConds: number;
    readonly cfgSecondNegative: number;
    readonly style: "regular" | "nested";
  },
): Guider {
  const [FIRST, SECOND, NEGATIVE] = [0, 1, 2];
  return {
    model,
    sides: [
      { conditioning: first, isNegative: false },
      { conditioning: second, isNegative: true },
      { conditioning: negative, isNegative: true },
    ],
    async guide({ predict, x, sigma, shape, needsNegative }) {
      const needsThird = needsNegative || !isOne(cfgSecondNegative);
      const needsSecond = needsThird || !isOne(cfgConds);
      const c1 = await predict(FIRST);
      const zeros = new Float32Array(c1.length);
      const c2 = needsSecond ? await predict(SECOND) : zeros;
      const neg = needsThird ? await predict(NEGATIVE) : zeros;
      const stage = { model, x, sigma, shape, predictPositive: again(predict) };
      if (style === "nested") {
        const inner = await finish(
          { ...stage, positive: c1, negative: c2, cfg: cfgConds },
          needsSecond,
        );
        const outer = { ...stage, positive: inner.denoised, negative: neg };
        return await finish({ ...outer, cfg: cfgSecondNegative }, needsThird);
      }
      if (!needsSecond) return { denoised: c1, negative: zeros };
      const outer = await finish(
        { ...stage, positive: c2, negative: neg, cfg: cfgSecondNegative },
        needsThird,
      );
      const denoised = weightedSum([1, outer.denoised], [cfgConds, c1], [-cfgConds, c2]);
      return { denoised, negative: neg };
    },
  };
}

/**
 * Only what of the negative is perpendicular to the positive counts, both seen from an empty prompt:
 *
 *   pos = c - e, neg = n - e,    perp = neg - (neg.pos/|pos|^2) pos,    D = e + cfg (pos - scale perp)
 *
 * Armandpour et al. 2023, Perp-Neg, arXiv:2304.04968, eq. 7.
 */
export function perpNegGuider(
  model: DiffusionModel,
  {
    positive,
    negative,
    empty,
    cfg,
    scale,
  }: {
    readonly positive: Conditioning;
    readonly negative: Conditioning;
    readonly empty: Conditioning;
    readonly cfg: number;
    readonly scale: number;
  },
): Guider {
  return {
    model,
    sides: [
      { conditioning: positive, isNegative: false },
      { conditioning: negative, isNegative: true },
      { conditioning: empty, isNegative: true },
    ],
    async guide({ predict, x, sigma, shape }) {
      const [c, n, e] = [await predict(0), await predict(1), await predict(2)];
      const pos = weightedSum([1, c], [-1, e]);
      const neg = weightedSum([1, n], [-1, e]);
      const share = dot(neg, pos) / dot(pos, pos);
      const perp = weightedSum([1, neg], [-share, pos]);
      const denoised = weightedSum([1, e], [cfg, pos], [-cfg * scale, perp]);
      const stage = { model, x, sigma, shape, cfg, positive: c, negative: n };
      const predictPositive = again(predict);
      return { denoised: await corrected({ ...stage, denoised, predictPositive }), negative: n };
    },
  };
}

/** Runs the model's own changes around the formula. Without the negative side the positive is the result. */
async function finish(given: UnguidedStage, hasNegative: boolean): Promise<Guided> {
  const { guidance } = given.model;
  let stage = given;
  if (hasNegative) {
    for (const change of guidance?.before ?? []) stage = { ...stage, ...change(stage) };
  }
  const { positive, negative, cfg } = stage;
  const usual = () => weightedSum([1 - cfg, negative], [cfg, positive]);
  const denoised = hasNegative ? (guidance?.formula?.(stage) ?? usual()) : positive;
  return { denoised: await corrected({ ...stage, denoised }), negative };
}

type UnguidedStage = Omit<GuidedStage, "denoised">;

const again =
  (predict: GuidanceCall["predict"]): GuidedStage["predictPositive"] =>
  (change) =>
    predict(0, change);

async function corrected(stage: GuidedStage): Promise<Float32Array> {
  let { denoised } = stage;
  for (const change of stage.model.guidance?.after ?? []) {
    denoised = await change({ ...stage, denoised });
  }
  return denoised;
}

/** As near to 1 as Python's math.isclose wants it. */
function isOne(cfg: number): boolean {
  return Math.abs(cfg - 1) <= 1e-9 * Math.max(Math.abs(cfg), 1);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
