import { discardsPenultimate, type SamplerName } from "../sampler/samplers.ts";
import type { NoiseLevels } from "./noise-levels.ts";
import { partialSigmas, type SchedulerName, scheduleSigmas } from "./schedulers.ts";

/** Levels of KSampler's nodes: some samplers get a schedule of one step more without its last but one level. */
export function ksamplerSigmas(
  levels: NoiseLevels,
  {
    sampler,
    scheduler,
    steps,
    denoise,
  }: {
    readonly sampler: SamplerName;
    readonly scheduler: SchedulerName;
    readonly steps: number;
    readonly denoise: number;
  },
): Float32Array {
  return partialSigmas(steps, denoise, (count) => {
    if (!discardsPenultimate(sampler)) return scheduleSigmas(scheduler, levels, count);
    const sigmas = scheduleSigmas(scheduler, levels, count + 1);
    return Float32Array.from([...sigmas.subarray(0, -2), ...sigmas.subarray(-1)]);
  });
}

/** The part of a sampling from one step to another; an end before the schedule's own stops at 0 or leaves its noise. */
export function sigmasBetween(
  sigmas: Float32Array,
  {
    start,
    end,
    leavesNoise,
  }: { readonly start: number; readonly end: number; readonly leavesNoise: boolean },
): Float32Array {
  let part = sigmas;
  if (end < sigmas.length - 1) {
    part = sigmas.slice(0, end + 1);
    if (!leavesNoise) part[part.length - 1] = 0;
  }
  return start < part.length - 1 ? part.slice(start) : new Float32Array(0);
}
