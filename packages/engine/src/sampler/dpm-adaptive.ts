import { weightedSum } from "../math/weighted-sum.ts";
import { ancestralSplit } from "./ancestral.ts";
import { firstOrder, secondOrder, thirdOrder, timeRange } from "./dpm-solver.ts";
import { slope } from "./euler.ts";
import type { Solver, StochasticSettings } from "./solver.ts";

export interface DpmAdaptiveSettings extends StochasticSettings {
  /** Of the kept result; the error is its difference from one order less. @default 3 */
  readonly order?: 2 | 3;
  readonly relativeTolerance?: number;
  readonly absoluteTolerance?: number;
  /** First step's length in ln sigma. */
  readonly firstStep?: number;
  readonly proportional?: number;
  readonly integral?: number;
  readonly derivative?: number;
  /** A step whose length would be changed to less than this part is done again. */
  readonly acceptSafety?: number;
}

/** In ln sigma: closer to the end than this is there. */
const CLOSE = 1e-5;

/**
 * Steps as long as the error allows, from the schedule's first level to its last that is not 0; the levels
 * between do not count. Error: root mean square of (low - high)/max(atol, rtol max(|low|, |before|)).
 * Lu et al. 2022, arXiv:2206.00927, app. C; the controller is a PID on 1/error.
 */
export const dpmAdaptive: Solver<DpmAdaptiveSettings> = async (denoise, x, sigmas, options) => {
  const {
    onStep,
    noise,
    order = 3,
    relativeTolerance = 0.05,
    absoluteTolerance = 0.0078,
  } = options;
  const { eta = 0, sNoise = 1 } = options;
  if (sigmas.length < 2) return x;
  const { start, end } = timeRange(sigmas);
  if (start >= end) return x;
  const controller = createController(options, eta > 0 ? 1.5 : order);
  let current = x;
  let before = x;
  let from = start;
  for (let step = 0; from < end - CLOSE; step++) {
    const to = Math.min(end, from + controller.length());
    const s = Math.exp(-from);
    const n = Math.exp(-to);
    const split = eta > 0 ? ancestralSplit(s, n, eta) : { down: n, up: 0 };
    const target = eta > 0 ? Math.min(end, -Math.log(split.down)) : to;
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    const part = { denoise, x: current, from, to: target, slope: slope(current, denoised, s) };
    const { low, high } = await bothOrders(part, order);
    if (!controller.accepts(errorOf(low, high, before, relativeTolerance, absoluteTolerance))) {
      continue;
    }
    before = low;
    const up = eta > 0 ? Math.sqrt(n ** 2 - Math.exp(-target) ** 2) : 0;
    current = up > 0 ? weightedSum([1, high], [up * sNoise, noise(s, n)]) : high;
    from = to;
  }
  return current;
};

async function bothOrders(part: Parameters<typeof firstOrder>[0], order: 2 | 3) {
  if (order === 2) return { low: firstOrder(part), high: (await secondOrder(part)).x };
  const { x: low, inner } = await secondOrder(part, 1 / 3);
  return { low, high: await thirdOrder(part, inner) };
}

function errorOf(
  low: Float32Array,
  high: Float32Array,
  before: Float32Array,
  relativeTolerance: number,
  absoluteTolerance: number,
): number {
  let sum = 0;
  for (let i = 0; i < low.length; i++) {
    const size = Math.max(Math.abs(low[i]!), Math.abs(before[i]!));
    sum += ((low[i]! - high[i]!) / Math.max(absoluteTolerance, relativeTolerance * size)) ** 2;
  }
  return Math.sqrt(sum / low.length);
}

function createController(
  {
    firstStep = 0.05,
    proportional = 0,
    integral = 1,
    derivative = 0,
    acceptSafety = 0.81,
  }: DpmAdaptiveSettings,
  order: number,
) {
  const b1 = (proportional + integral + derivative) / order;
  const b2 = -(proportional + 2 * derivative) / order;
  const b3 = derivative / order;
  let length = Math.abs(firstStep);
  /** 1/error of this step and of the last two accepted ones. */
  let inverses: [number, number, number] | undefined;
  return {
    length: () => length,
    accepts(error: number): boolean {
      const inverse = 1 / (error + 1e-8);
      const [, second, third] = inverses ?? [inverse, inverse, inverse];
      const factor = 1 + Math.atan(inverse ** b1 * second ** b2 * third ** b3 - 1);
      const isAccepted = factor >= acceptSafety;
      inverses = isAccepted ? [inverse, inverse, second] : [inverse, second, third];
      length *= factor;
      return isAccepted;
    },
  };
}
