/**
 * A step to level n split into a deterministic one to `down` and fresh noise of deviation `up`:
 *
 *   up = min(n, eta sqrt(n^2 (s^2 - n^2) / s^2)),    down = sqrt(n^2 - up^2)
 *
 * Ho et al. 2020, arXiv:2006.11239, eq. 7, in sigmas; eta as in Song et al. 2021, arXiv:2010.02502, eq. 16.
 */
export function ancestralSplit(
  sigma: number,
  sigmaNext: number,
  eta = 1,
): { readonly down: number; readonly up: number } {
  if (eta === 0) return { down: sigmaNext, up: 0 };
  const variance = (sigmaNext ** 2 * (sigma ** 2 - sigmaNext ** 2)) / sigma ** 2;
  const up = Math.min(sigmaNext, eta * Math.sqrt(variance));
  return { down: Math.sqrt(sigmaNext ** 2 - up ** 2), up };
}
