import { linspace } from "../math/linspace.ts";
import type { ModelSampling } from "../models/model.ts";

/** What schedules and timestep ranges ask about a model's noise levels. */
export interface NoiseLevels {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  /** [T], ascending: levels that a schedule may pick from. */
  readonly table: Float32Array;
  /** The noise level at a timestep, fractions included. */
  sigmaOf(timestep: number): number;
  /** What the network is told at this noise level. */
  timestepOf(sigma: number): number;
  /** The noise level when this part of the sampling is done: 0 is above every level, 1 is no noise. */
  sigmaAtPercent(percent: number): number;
}

/** Above every level, yet finite. */
const ABOVE_ALL = 999_999_999.9;
const CONTINUOUS_LEVELS = 1000;
const { fround } = Math;

export function noiseLevels(sampling: ModelSampling): NoiseLevels {
  switch (sampling.kind) {
    case "discrete":
      return discreteLevels(sampling);
    case "continuous":
      return continuousLevels(sampling);
    case "flow":
      return flowLevels(sampling);
  }
}

/** Between two entries ln sigma is linear in the timestep; entry i stands for timestep i spacing + spacing - 1. */
function discreteLevels({
  sigmas,
  spacing = 1,
}: Extract<ModelSampling, { kind: "discrete" }>): NoiseLevels {
  const logs = sigmas.map(Math.log);
  const last = sigmas.length - 1;

  function sigmaOf(timestep: number): number {
    const position = Math.min(Math.max((timestep - (spacing - 1)) / spacing, 0), last);
    const low = Math.floor(position);
    const weight = position - low;
    const log = (1 - weight) * logs[low]! + weight * logs[Math.ceil(position)]!;
    return fround(Math.exp(fround(log)));
  }

  return {
    sigmaMin: sigmas[0]!,
    sigmaMax: sigmas[last]!,
    table: sigmas,
    sigmaOf,
    timestepOf: (sigma) => nearest(logs, fround(Math.log(sigma))) * spacing + (spacing - 1),
    sigmaAtPercent: percentOf((rest) => sigmaOf(rest * (sigmas.length * spacing - 1))),
  };
}

/** The first of the entries that are closest. */
function nearest(values: Float32Array, wanted: number): number {
  let best = 0;
  let distance = Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const candidate = Math.abs(fround(wanted - values[i]!));
    if (candidate < distance) {
      best = i;
      distance = candidate;
    }
  }
  return best;
}

function continuousLevels({
  sigmaMin,
  sigmaMax,
  timestep,
}: Extract<ModelSampling, { kind: "continuous" }>): NoiseLevels {
  const low = Math.log(sigmaMin);
  const high = Math.log(sigmaMax);
  const table = linspace(low, high, CONTINUOUS_LEVELS).map(Math.exp);
  return {
    sigmaMin: table[0]!,
    sigmaMax: table[CONTINUOUS_LEVELS - 1]!,
    table,
    sigmaOf: timestep === "edm" ? (t) => Math.exp(t / 0.25) : (t) => Math.tan((t * Math.PI) / 2),
    timestepOf:
      timestep === "edm" ? (s) => 0.25 * Math.log(s) : (s) => (Math.atan(s) / Math.PI) * 2,
    sigmaAtPercent: percentOf((rest) => Math.exp(low + rest * (high - low))),
  };
}

/** sigma(t) = a t / (1 + (a - 1) t), t from 0 to 1. Esser et al. 2024, arXiv:2403.03206, eq. 23. */
function flowLevels({
  shift,
  multiplier,
  levels = 1000,
}: Extract<ModelSampling, { kind: "flow" }>): NoiseLevels {
  const shifted = (t: number): number => (shift * t) / (1 + (shift - 1) * t);
  const table = Float32Array.from({ length: levels }, (_, k) => shifted((k + 1) / levels));
  return {
    sigmaMin: table[0]!,
    sigmaMax: table[levels - 1]!,
    table,
    sigmaOf: (timestep) => shifted(timestep / multiplier),
    timestepOf: (sigma) => sigma * multiplier,
    sigmaAtPercent: (percent) => (percent <= 0 ? 1 : percent >= 1 ? 0 : shifted(1 - percent)),
  };
}

function percentOf(sigmaAt: (rest: number) => number): (percent: number) => number {
  return (percent) => (percent <= 0 ? ABOVE_ALL : percent >= 1 ? 0 : sigmaAt(1 - percent));
}
