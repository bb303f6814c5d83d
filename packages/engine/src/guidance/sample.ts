import { shareWithSides } from "../conditioning/resolve-control.ts";
import { mirrorAreas, resolveEntries } from "../conditioning/resolve-entries.ts";
import { latentShape } from "../math/shape.ts";
import { weightedSum } from "../math/weighted-sum.ts";
import type { ModelSampling } from "../models/model.ts";
import type { Sampler } from "../sampler/samplers.ts";
import type { DenoiseBoth, SolverStep } from "../sampler/solver.ts";
import { noiseLevels } from "../schedule/noise-levels.ts";
import { type Latent, type Tensor, tensor } from "../tensor.ts";
import type { Guider } from "./guider.ts";
import { fitChannels, intoModelSpace, isAllZero, outOfModelSpace } from "./latent-space.ts";
import { type Noise, noiseSource, randomNoise } from "./noise.ts";
import { blend, maskForLatent } from "./noise-mask.ts";
import { createSidePredictor } from "./predict-sides.ts";

export interface SampleOptions {
  readonly guider: Guider;
  readonly sampler: Sampler;
  /** [N + 1], descending; empty or one level for nothing to do. */
  readonly sigmas: Float32Array;
  readonly noise: Noise;
  readonly latent: Latent;
  readonly signal: AbortSignal;
  /** D in model space, [B,C,h,w]. What it throws ends the sampling. */
  readonly onStep?: (step: {
    readonly step: number;
    readonly steps: number;
    readonly denoised: Tensor;
  }) => void;
}

export interface Sampled {
  readonly samples: Latent;
  /** The last step's D. */
  readonly denoised: Latent;
}

/** From a latent and noise to a latent: what all sampling nodes do. */
export async function sample(options: SampleOptions): Promise<Sampled> {
  const { guider, sampler, sigmas, signal, onStep } = options;
  const { model } = guider;
  const { latentFormat } = model;
  if (sigmas.length < 2) return { samples: options.latent, denoised: options.latent };

  const given = fitChannels(options.latent.samples, model);
  const latent = { ...options.latent, samples: given };
  // Zeros mean "no picture": a format with a shift must not move them.
  const start = isAllZero(given) ? given : intoModelSpace(given, latentFormat);
  const shape = latentShape(given.shape);
  const levels = noiseLevels(model.sampling);
  const { noiseMask } = latent;
  const { seed } = options.noise;

  const mirrored = mirrorAreas(
    guider.sides.map(({ conditioning, isNegative }) =>
      resolveEntries(conditioning, { shape, isNegative, sigmaAtPercent: levels.sigmaAtPercent }),
    ),
  );
  const controlled = shareWithSides(
    "control",
    mirrored,
    ({ entry }) => entry.isControlForNegative === true,
  );
  const sides = shareWithSides("boxes", controlled, () => true);
  // Of a latent that is too large the noise alone would take minutes.
  if (sides.flat().some(({ area }) => area === undefined)) model.network.checkRoom?.(shape);
  const noise = options.noise.draw(latent);
  const count = noise.length;
  const predictor = createSidePredictor({
    model,
    levels,
    shape,
    sides,
    signal,
    seed,
    latent: start,
    ...(noiseMask === undefined ? {} : { noiseMask }),
  });

  const guide: DenoiseBoth = (x, sigma) =>
    guider.guide({
      x,
      sigma,
      shape,
      needsNegative: sampler.needsNegative,
      predict: (side, change) => predictor.predict(side, x, sigma, change),
    });
  const denoise =
    noiseMask === undefined
      ? guide
      : masked(guide, {
          mask: maskForLatent(noiseMask, shape),
          maskAt: (mask, sigma) => model.guidance?.maskAt?.(mask, { sigma, sigmas, model }) ?? mask,
          latent: start.data,
          // DDIM blends with other noise than it started from.
          noise: sampler.name === "ddim" ? randomNoise(nextSeed(seed)).draw(latent) : noise,
          sampling: model.sampling,
        });

  const steps = sigmas.length - 1;
  let last: Float32Array | undefined;
  const report = ({ step, denoised }: SolverStep): void => {
    signal.throwIfAborted();
    last = denoised;
    onStep?.({ step: Math.min(step, steps - 1), steps, denoised: tensor(given.shape, denoised) });
  };

  const x = noised({ noise, latent: start.data, sigmas, sampling: model.sampling });
  const end = await sampler.run(denoise, x, sigmas, {
    noise: noiseSource(sampler.noise, { seed, sigmas, count }),
    onStep: report,
    sigmaAtPercent: levels.sigmaAtPercent,
  });
  const finished = rescaled(end, sigmas, model.sampling);
  const asLatent = (data: Float32Array): Latent => ({
    ...latent,
    samples: outOfModelSpace(tensor(given.shape, data), latentFormat),
  });
  const samples = asLatent(finished);
  return { samples, denoised: last === undefined ? samples : asLatent(last) };
}

/**
 * latent + s noise; from the highest level, where the latent should drown, sqrt(1 + s^2) noise.
 * Flow: (1 - s) latent + s noise.
 */
function noised({
  noise,
  latent,
  sigmas,
  sampling,
}: {
  readonly noise: Float32Array;
  readonly latent: Float32Array;
  readonly sigmas: Float32Array;
  readonly sampling: ModelSampling;
}): Float32Array {
  const first = sigmas[0] ?? 0;
  if (sampling.kind === "flow") return weightedSum([first, noise], [1 - first, latent]);
  const { sigmaMax } = noiseLevels(sampling);
  const isHighest =
    first > sigmaMax || Math.abs(first - sigmaMax) <= 1e-5 * Math.max(first, sigmaMax);
  return weightedSum([isHighest ? Math.sqrt(1 + first ** 2) : first, noise], [1, latent]);
}

/** A flow that stops early has (1 - s) of its picture. */
function rescaled(x: Float32Array, sigmas: Float32Array, sampling: ModelSampling): Float32Array {
  const last = sigmas[sigmas.length - 1] ?? 0;
  return sampling.kind === "flow" ? weightedSum([1 / (1 - last), x]) : x;
}

function masked(
  denoise: DenoiseBoth,
  {
    mask,
    maskAt,
    latent,
    noise,
    sampling,
  }: {
    readonly mask: Float32Array;
    readonly maskAt: (mask: Float32Array, sigma: number) => Float32Array;
    readonly latent: Float32Array;
    readonly noise: Float32Array;
    readonly sampling: ModelSampling;
  },
): DenoiseBoth {
  return async (x, sigma) => {
    const m = maskAt(mask, sigma);
    const kept = sampling.kind === "flow" ? 1 - sigma : 1;
    const outside = weightedSum([kept, latent], [sigma, noise]);
    const guided = await denoise(blend(m, x, outside), sigma);
    return { ...guided, denoised: blend(m, guided.denoised, latent) };
  };
}

function nextSeed(seed: number | bigint): bigint {
  return BigInt(seed) + 1n;
}
