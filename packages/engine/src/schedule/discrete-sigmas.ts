/**
 * Noise levels that networks were trained with: [T], ascending.
 *
 *   alphaBar_t = prod_{k<=t} (1 - beta_k),    sigma_t = sqrt((1 - alphaBar_t) / alphaBar_t)
 *
 * Ho et al. 2020, arXiv:2006.11239, eq. 4, in the scaling of Karras et al. 2022, arXiv:2206.00364.
 */

export interface BetaRange {
  /** @default 0.00085, Stable Diffusion's */
  readonly start?: number;
  /** @default 0.012, Stable Diffusion's */
  readonly end?: number;
  /** @default 1000 */
  readonly count?: number;
}

/** beta_t = (sqrt(start) + t/(T-1) (sqrt(end) - sqrt(start)))^2: latent diffusion's "linear" schedule. */
export function scaledLinearSigmas(range: BetaRange = {}): Float32Array {
  return sigmasOf(scaledLinearAlphaBars(range));
}

/**
 * The same with no signal left in the last level: sqrt(alphaBar) moved and stretched to end at 0.
 * Lin et al. 2023, arXiv:2305.08891, alg. 1. The last alphaBar stays at what gives sigma 4518.76.
 */
export function zeroTerminalSnrSigmas(sigmas: Float32Array): Float32Array {
  const roots = Float64Array.from(sigmas, (sigma) => Math.sqrt(1 / (sigma * sigma + 1)));
  const first = roots[0]!;
  const last = roots[roots.length - 1]!;
  const alphaBars = roots.map((root) => ((root - last) * (first / (first - last))) ** 2);
  alphaBars[alphaBars.length - 1] = LAST_ALPHA_BAR;
  return sigmasOf(alphaBars);
}

/** Every n-th level, the highest one kept: entry i is that of timestep i n + n - 1. */
export function everyNthSigma(sigmas: Float32Array, n: number): Float32Array {
  return sigmas.filter((_, timestep) => timestep % n === n - 1);
}

const LAST_ALPHA_BAR = 4.8973451890853435e-8;

function scaledLinearAlphaBars({ start = 0.00085, end = 0.012, count = 1000 }: BetaRange) {
  const alphaBars = new Float64Array(count);
  const from = Math.sqrt(start);
  const step = (Math.sqrt(end) - from) / (count - 1);
  let alphaBar = 1;
  for (let t = 0; t < count; t++) {
    alphaBar *= 1 - (from + t * step) ** 2;
    alphaBars[t] = alphaBar;
  }
  return alphaBars;
}

function sigmasOf(alphaBars: Float64Array): Float32Array {
  return Float32Array.from(alphaBars, (alphaBar) => Math.sqrt((1 - alphaBar) / alphaBar));
}
