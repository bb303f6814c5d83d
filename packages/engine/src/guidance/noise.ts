/** The noise that a sampling starts from, and the noise that solvers draw on the way. */
import { createBrownianTree } from "../math/brownian-tree.ts";
import { latentShape } from "../math/shape.ts";
import { createTorchRng } from "../math/torch-random.ts";
import type { NoiseKind } from "../sampler/samplers.ts";
import type { NoiseSource } from "../sampler/solver.ts";
import type { Latent } from "../tensor.ts";

/** 0 to 2^64-1; beyond 2^53 a bigint. */
export type Seed = number | bigint;

/** A NOISE: what a sampling starts from. */
export interface Noise {
  /** Also seeds what solvers draw. */
  readonly seed: Seed;
  /** [B,C,h,w] flat, for the latent's shape. */
  draw(latent: Latent): Float32Array;
}

/**
 * Noise of a seed: one draw for the whole batch. With a batch index, entry k gets the index's k-th single draw,
 * as if each picture had been drawn alone.
 */
export function randomNoise(seed: Seed): Noise {
  return {
    seed,
    draw({ samples, batchIndex }) {
      const rng = createTorchRng(seed);
      if (batchIndex === undefined) return rng.randn(samples.data.length);
      const { batch, channels, height, width } = latentShape(samples.shape);
      const size = channels * height * width;
      const highest = Math.max(...batchIndex);
      const draws = Array.from({ length: highest + 1 }, () => rng.randn(size));
      const out = new Float32Array(batch * size);
      for (let b = 0; b < batch; b++) {
        const draw = draws[batchIndex[b % batchIndex.length] ?? 0];
        if (draw !== undefined) out.set(draw, b * size);
      }
      return out;
    },
  };
}

/** None: a latent that has noise in it already goes on. */
export function noNoise(seed: Seed = 0): Noise {
  return { seed, draw: ({ samples }) => new Float32Array(samples.data.length) };
}

/** What a solver draws, of the same seed as the start: with "normal", its first draw equals the start's. */
export function noiseSource(
  kind: NoiseKind,
  {
    seed,
    sigmas,
    count,
  }: { readonly seed: Seed; readonly sigmas: Float32Array; readonly count: number },
): NoiseSource {
  if (kind === "normal") {
    const rng = createTorchRng(seed);
    return () => rng.randn(count);
  }
  const positive = sigmas.filter((sigma) => sigma > 0);
  const tree = createBrownianTree({
    start: Math.min(...positive),
    end: Math.max(...sigmas),
    count,
    seed,
  });
  const { fround } = Math;
  // dW over the stretch, of deviation 1; towards lower levels time runs backwards.
  return (sigma, sigmaNext) => {
    const sign = sigma < sigmaNext ? 1 : -1;
    const from = fround(Math.min(sigma, sigmaNext));
    const to = fround(Math.max(sigma, sigmaNext));
    const deviation = fround(Math.sqrt(fround(to - from)));
    return tree.increment(from, to).map((value) => (sign * value) / deviation);
  };
}
