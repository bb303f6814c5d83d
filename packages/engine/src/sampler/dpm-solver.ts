/**
 * Steps of DPM-Solver in t = -ln sigma from t to t + h, for slopes e = (x - D)/sigma:
 *
 *   1:  x' = x - s' (e^h - 1) e
 *   2:  x' = x - s' (e^h - 1) (e + (e1 - e)/(2 r1)),                        e1 at t + r1 h
 *   3:  x' = x - s' (e^h - 1) e - s' ((e^h - 1)/h - 1) (e2 - e)/r2,         e2 at t + r2 h
 *
 * Lu et al. 2022, arXiv:2206.00927, alg. 1 and 2.
 */
import { weightedSum } from "../math/weighted-sum.ts";
import { slope } from "./euler.ts";
import type { Denoise } from "./solver.ts";

export interface DpmStep {
  readonly denoise: Denoise;
  readonly x: Float32Array;
  readonly from: number;
  readonly to: number;
  /** e at `from`. */
  readonly slope: Float32Array;
}

export function firstOrder({ x, from, to, slope: e }: DpmStep): Float32Array {
  return weightedSum([1, x], [-Math.exp(-to) * Math.expm1(to - from), e]);
}

/** Also returns e1, which a step of order 3 with the same r1 uses again. */
export async function secondOrder(
  step: DpmStep,
  r1 = 1 / 2,
): Promise<{ readonly x: Float32Array; readonly inner: Float32Array }> {
  const { x, from, to, slope: e } = step;
  const inner = await innerSlope(step, r1);
  const gain = -Math.exp(-to) * Math.expm1(to - from);
  const share = 1 / (2 * r1);
  return { x: weightedSum([1, x], [gain * (1 - share), e], [gain * share, inner]), inner };
}

export async function thirdOrder(step: DpmStep, known?: Float32Array): Promise<Float32Array> {
  const { denoise, x, from, to, slope: e } = step;
  const r1 = 1 / 3;
  const r2 = 2 / 3;
  const h = to - from;
  const e1 = known ?? (await innerSlope(step, r1));
  const t2 = from + r2 * h;
  const s2 = Math.exp(-t2);
  const inner = s2 * (r2 / r1) * (Math.expm1(r2 * h) / (r2 * h) - 1);
  const u2 = weightedSum([1, x], [-s2 * Math.expm1(r2 * h) + inner, e], [-inner, e1]);
  const e2 = slope(u2, await denoise(u2, s2), s2);
  const end = Math.exp(-to);
  const outer = (end / r2) * (Math.expm1(h) / h - 1);
  return weightedSum([1, x], [-end * Math.expm1(h) + outer, e], [-outer, e2]);
}

async function innerSlope({ denoise, x, from, to, slope: e }: DpmStep, r1: number) {
  const t1 = from + r1 * (to - from);
  const s1 = Math.exp(-t1);
  const u1 = weightedSum([1, x], [-s1 * Math.expm1(r1 * (to - from)), e]);
  return slope(u1, await denoise(u1, s1), s1);
}

/** The range of t that a schedule covers; its end is the last level that is not 0. */
export function timeRange(sigmas: Float32Array): { readonly start: number; readonly end: number } {
  const last = sigmas.length - 1;
  const lowest = sigmas[last] === 0 ? sigmas[last - 1]! : sigmas[last]!;
  return { start: -Math.log(sigmas[0]!), end: -Math.log(lowest) };
}
