/** Schedules that pick entries of the model's own table: [steps + 1] or about, descending, the last one 0. */
import { roundHalfEven } from "../image/rounding.ts";
import { inverseBetaCdf } from "../math/beta-distribution.ts";
import type { NoiseLevels } from "./noise-levels.ts";

/** Every (T/steps)-th entry from the top. */
export function simpleSigmas(levels: NoiseLevels, steps: number): Float32Array {
  const { table } = levels;
  const stride = table.length / steps;
  const sigmas = new Float32Array(steps + 1);
  for (let k = 0; k < steps; k++) sigmas[k] = table[table.length - 1 - Math.trunc(k * stride)]!;
  return sigmas;
}

/** Entries 1, 1 + s, 1 + 2 s, ... with s = T // steps: as many as there are, which may be more than asked for. */
export function ddimUniformSigmas(levels: NoiseLevels, steps: number): Float32Array {
  const { table } = levels;
  const endsAtZero = isNearZero(table[1]!);
  const stride = Math.max(Math.floor(table.length / (endsAtZero ? steps + 1 : steps)), 1);
  const ascending = endsAtZero ? [] : [0];
  for (let index = 1; index < table.length; index += stride) ascending.push(table[index]!);
  return Float32Array.from(ascending.reverse());
}

/**
 * Entries at the Beta distribution's quantiles; neighbours that fall on one entry are one.
 * Lee et al. 2024, arXiv:2407.12173; alpha = beta = 0.6 is the paper's choice.
 */
export function betaSigmas(
  levels: NoiseLevels,
  steps: number,
  { alpha = 0.6, beta = 0.6 }: { readonly alpha?: number; readonly beta?: number } = {},
): Float32Array {
  const last = levels.table.length - 1;
  const picked: number[] = [];
  let previous = -1;
  for (let k = 0; k < steps; k++) {
    const index = roundHalfEven(inverseBetaCdf(1 - k / steps, alpha, beta) * last);
    if (index !== previous) picked.push(levels.table[index]!);
    previous = index;
  }
  return Float32Array.from([...picked, 0]);
}

/** Within 1e-5, what a zero-level in a table may be off by. */
export function isNearZero(sigma: number): boolean {
  return Math.abs(sigma) <= 1e-5;
}
