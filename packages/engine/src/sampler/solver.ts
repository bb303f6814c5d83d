/**
 * What every solver is: a plain function from noise to picture. The schedule is data passed in, the model is
 * one function, randomness is an argument. Solvers see variance-exploding noise: x = x0 + sigma noise.
 */

/** x: [B,C,h,w] flat, noisy at level sigma; returns D, the clean latent that the model sees in it, as long as x. */
export type Denoise = (x: Float32Array, sigma: number) => Promise<Float32Array>;

/** As `Denoise`, with what the negative side alone sees beside it. */
export type DenoiseBoth = (
  x: Float32Array,
  sigma: number,
) => Promise<{ readonly denoised: Float32Array; readonly negative: Float32Array }>;

/** Standard normal numbers, as many as x has, for going from one level to another. */
export type NoiseSource = (sigma: number, sigmaNext: number) => Float32Array;

export interface SolverStep {
  /** From 0. */
  readonly step: number;
  /** D of the step's first evaluation. */
  readonly denoised: Float32Array;
}

export interface SolverOptions {
  readonly noise: NoiseSource;
  /** Called once in a step, after its first evaluation. What it throws ends the sampling. */
  readonly onStep?: ((step: SolverStep) => void) | undefined;
}

/** sigmas: [N + 1], descending; returns x at the last level. */
export type Solver<Settings = object> = (
  denoise: Denoise,
  x: Float32Array,
  sigmas: Float32Array,
  options: SolverOptions & Settings,
) => Promise<Float32Array>;

/** A solver of the CFG++ form, which renoises with the negative side's direction. */
export type GuidedSolver<Settings = object> = (
  denoise: DenoiseBoth,
  x: Float32Array,
  sigmas: Float32Array,
  options: SolverOptions & Settings,
) => Promise<Float32Array>;

/** How much of a step is random. */
export interface StochasticSettings {
  /** 0 for none. @default 1 */
  readonly eta?: number;
  /** The noise that is added is multiplied by this. @default 1 */
  readonly sNoise?: number;
}
