import type { NoiseLevels } from "./noise-levels.ts";

/** Timesteps that adversarial distillation trains: 999, 899, ..., 99. Sauer et al. 2023, arXiv:2311.17042. */
const TIMESTEPS = Array.from({ length: 10 }, (_, i) => 999 - 100 * i);

/** `steps` of them, later ones for less denoise, then 0. */
export function turboSigmas(levels: NoiseLevels, steps: number, denoise: number): Float32Array {
  const first = TIMESTEPS.length - Math.trunc(TIMESTEPS.length * denoise);
  const picked = TIMESTEPS.slice(first, first + steps);
  return Float32Array.from([...picked.map(levels.sigmaOf), 0]);
}
