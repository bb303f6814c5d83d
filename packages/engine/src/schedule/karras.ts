/**
 * Noise levels for `steps` solver steps: [steps + 1], descending, the last one 0.
 *
 *   sigma_i = (sMax^(1/rho) + i/(n-1) (sMin^(1/rho) - sMax^(1/rho)))^rho
 *
 * Karras et al. 2022, arXiv:2206.00364, eq. 5; rho = 7 is the paper's choice.
 */
export function karrasSigmas(
  steps: number,
  sigmaMin: number,
  sigmaMax: number,
  rho = 7,
): Float32Array {
  const from = sigmaMax ** (1 / rho);
  const to = sigmaMin ** (1 / rho);
  const sigmas = new Float32Array(steps + 1);
  for (let i = 0; i < steps; i++) {
    const t = steps === 1 ? 0 : i / (steps - 1);
    sigmas[i] = (from + t * (to - from)) ** rho;
  }
  return sigmas;
}
