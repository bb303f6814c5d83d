/**
 * Levels that keep the KL divergence of each step equal: [steps + 1], the last one 0.
 *
 *   sigma_i = tan(a atan(sMin) + (1 - a) atan(sMax)),    a = i/(n-1)
 *
 * Sabour et al. 2024, "Align Your Steps", arXiv:2404.14507, sec. 3.1. One step starts at sMax.
 */
export function klOptimalSigmas(steps: number, sigmaMin: number, sigmaMax: number): Float32Array {
  const low = Math.atan(sigmaMin);
  const high = Math.atan(sigmaMax);
  const sigmas = new Float32Array(steps + 1);
  for (let i = 0; i < steps; i++) {
    const a = steps === 1 ? 0 : i / (steps - 1);
    sigmas[i] = Math.tan(a * low + (1 - a) * high);
  }
  return sigmas;
}
