/** Schedules of timesteps equally far apart: [steps + 1], descending, the last one 0. */
import { linspace } from "../math/linspace.ts";
import type { NoiseLevels } from "./noise-levels.ts";
import { isNearZero } from "./table-schedules.ts";

/** The lowest level is that of the last timestep, then 0; where that level is 0 itself, it ends there. */
export function normalSigmas(levels: NoiseLevels, steps: number): Float32Array {
  const { start, end } = timestepRange(levels);
  const endsAtZero = isNearZero(levels.sigmaOf(end));
  const timesteps = linspace(start, end, endsAtZero ? steps + 1 : steps);
  return closed(timesteps.map(levels.sigmaOf), endsAtZero);
}

/** One more timestep than steps, of which the lowest is left out: the last step goes from far up to 0. */
export function sgmUniformSigmas(levels: NoiseLevels, steps: number): Float32Array {
  const { start, end } = timestepRange(levels);
  const timesteps = linspace(start, end, steps + 1).subarray(0, steps);
  return closed(timesteps.map(levels.sigmaOf), false);
}

function timestepRange(levels: NoiseLevels): { start: number; end: number } {
  return { start: levels.timestepOf(levels.sigmaMax), end: levels.timestepOf(levels.sigmaMin) };
}

function closed(sigmas: Float32Array, endsAtZero: boolean): Float32Array {
  const out = new Float32Array(sigmas.length + (endsAtZero ? 0 : 1));
  out.set(sigmas);
  return out;
}
