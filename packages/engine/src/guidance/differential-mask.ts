import { noiseLevels } from "../schedule/noise-levels.ts";
import type { ModelGuidance } from "./model-guidance.ts";

/**
 * A grey mask as a plan: a pixel joins when as much of the sampling is left as its mask says. Levine and
 * Fried 2023, Differential Diffusion, arXiv:2306.00950, alg. 1. `strength` blends with the mask itself.
 */
export function differentialMask(strength: number): NonNullable<ModelGuidance["maskAt"]> {
  return (mask, { sigma, sigmas, model }) => {
    const levels = noiseLevels(model.sampling);
    const start = levels.timestepOf(sigmas[0] ?? levels.sigmaMax);
    const end = levels.timestepOf(Math.max(sigmas.at(-1) ?? 0, levels.sigmaMin));
    const left = (levels.timestepOf(sigma) - end) / (start - end);
    return mask.map((value) => strength * (value >= left ? 1 : 0) + (1 - strength) * value);
  };
}
