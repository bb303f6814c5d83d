import { weightedSum } from "../math/weighted-sum.ts";
import type { GuidedStage } from "./model-guidance.ts";

/**
 * Away from what the network makes of the prompt when the middle block's pixels see only themselves:
 *
 *   D' = D + scale (D_pos - D_perturbed)
 *
 * Ahn et al. 2024, arXiv:2403.17377, eq. 15.
 */
export async function perturbedAttention(
  { denoised, positive, predictPositive }: GuidedStage,
  scale: number,
): Promise<Float32Array> {
  if (scale === 0) return denoised;
  const perturbed = await predictPositive({ isPerturbed: true });
  return weightedSum([1, denoised], [scale, positive], [-scale, perturbed]);
}
