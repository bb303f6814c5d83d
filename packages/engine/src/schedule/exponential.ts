/**
 * Levels equally far apart in ln sigma for rho = 1, denser at the low end above: [steps + 1], the last one 0.
 *
 *   ln sigma_i = r^rho (ln sMax - ln sMin) + ln sMin,    r = 1 - i/(n-1)
 */
export function polyexponentialSigmas(
  steps: number,
  sigmaMin: number,
  sigmaMax: number,
  rho = 1,
): Float32Array {
  const low = Math.log(sigmaMin);
  const high = Math.log(sigmaMax);
  const sigmas = new Float32Array(steps + 1);
  for (let i = 0; i < steps; i++) {
    const r = steps === 1 ? 1 : 1 - i / (steps - 1);
    sigmas[i] = Math.exp(r ** rho * (high - low) + low);
  }
  return sigmas;
}
