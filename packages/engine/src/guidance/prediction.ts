/** How x is scaled for the network, and how D follows from what it says. */
import { weightedSum } from "../math/weighted-sum.ts";
import type { ModelSampling, Prediction } from "../models/model.ts";

interface PredictionRule {
  readonly prediction: Prediction;
  readonly sigmaData: number;
  readonly sigma: number;
}

/** x is multiplied by this: 1/sqrt(s^2 + sd^2). Karras et al. 2022, arXiv:2206.00364, table 1, c_in. */
export function inputScale({ prediction, sigmaData, sigma }: PredictionRule): number {
  if (prediction === "flow" || prediction === "img-to-img") return 1;
  return 1 / Math.sqrt(sigma ** 2 + sigmaData ** 2);
}

/** D = cSkip x + cOut out, as `Prediction` says for each kind. x, out: [B,C,h,w] flat */
export function denoisedFrom(
  x: Float32Array,
  out: Float32Array,
  rule: PredictionRule & { readonly timestep: number },
): Float32Array {
  const { cSkip, cOut } = coefficients(rule);
  return weightedSum([cSkip, x], [cOut, out]);
}

/** Of the LCM boundary conditions. Luo et al. 2023, arXiv:2310.04378, sec. 4.1. */
const LCM_SIGMA_DATA = 0.5;
const LCM_TIME_SCALE = 10;

function coefficients({
  prediction,
  sigmaData,
  sigma,
  timestep,
}: PredictionRule & { readonly timestep: number }): { cSkip: number; cOut: number } {
  const total = sigma ** 2 + sigmaData ** 2;
  switch (prediction) {
    case "eps":
    case "flow":
      return { cSkip: 1, cOut: -sigma };
    case "v":
    case "edm": {
      const cOut = (sigma * sigmaData) / Math.sqrt(total);
      return { cSkip: sigmaData ** 2 / total, cOut: prediction === "v" ? -cOut : cOut };
    }
    case "x0":
    case "img-to-img":
      return { cSkip: 0, cOut: 1 };
    case "lcm": {
      const tau = timestep * LCM_TIME_SCALE;
      const span = tau ** 2 + LCM_SIGMA_DATA ** 2;
      const ofX = LCM_SIGMA_DATA ** 2 / span;
      const ofX0 = tau / Math.sqrt(span);
      return { cSkip: ofX + ofX0, cOut: -sigma * ofX0 };
    }
  }
}

/** Flow has none. */
export function sigmaDataOf(sampling: ModelSampling): number {
  return sampling.kind === "flow" ? 1 : sampling.sigmaData;
}
