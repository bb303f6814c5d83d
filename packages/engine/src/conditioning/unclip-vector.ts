/**
 * What networks are told about pictures that they are to follow: their embeddings with a little noise, and how much it is.
 * Ramesh et al. 2022 (unCLIP), arXiv:2204.06125; the noise schedule is that of Nichol and Dhariwal 2021, arXiv:2102.09672, eq. 17.
 */
import { roundHalfEven } from "../image/rounding.ts";
import { createTorchRng } from "../math/torch-random.ts";
import type { UnclipPicture } from "../models/model.ts";
import { sinusoid } from "../models/sinusoid.ts";
import { type Tensor, tensor } from "../tensor.ts";

const LEVELS = 1000;
const OFFSET = 0.008;
const MAX_BETA = 0.999;
/** The noise is of another seed than the sampling's. */
const SEED_SHIFT = 10n;

/**
 * [1,2P] = [sqrt(a) embedding + sqrt(1 - a) noise | level as a sinusoid] strength, a that of the level. Of several pictures,
 * the sum, its first half with noise of `mergeLevel` once more.
 */
export function unclipVector(
  pictures: readonly UnclipPicture[],
  {
    width,
    seed,
    mergeAugmentation,
  }: { readonly width: number; readonly seed: number | bigint; readonly mergeAugmentation: number },
): Tensor {
  let rng = createTorchRng(0);
  const parts = pictures.flatMap(({ seen, strength, noiseAugmentation }) => {
    const [count = 0, own = 0] = seen.embedding.shape;
    if (own !== width) {
      throw new Error(
        `the model follows pictures by embeddings of ${width} numbers, this CLIP vision tower makes ${own}`,
      );
    }
    return Array.from({ length: count }, (_, index) => {
      rng = createTorchRng(BigInt.asUintN(64, BigInt(seed) - SEED_SHIFT));
      const embedding = seen.embedding.data.subarray(index * width, (index + 1) * width);
      const level = roundHalfEven((LEVELS - 1) * noiseAugmentation);
      return noised(embedding, level, rng.randn(width)).map((value) => value * strength);
    });
  });
  const [first] = parts;
  if (first === undefined) return tensor([1, 2 * width]);
  if (parts.length === 1) return tensor([1, 2 * width], first);
  const sum = first.map((_, i) => parts.reduce((total, part) => total + (part[i] ?? 0), 0));
  const level = roundHalfEven((LEVELS - 1) * mergeAugmentation);
  return tensor([1, 2 * width], noised(sum.subarray(0, width), level, rng.randn(width)));
}

function noised(embedding: Float32Array, level: number, noise: Float32Array): Float32Array {
  const kept = Math.sqrt(keptAt(level));
  const added = Math.sqrt(1 - keptAt(level));
  const width = embedding.length;
  const out = new Float32Array(2 * width);
  out.set(embedding.map((value, i) => kept * value + added * (noise[i] ?? 0)));
  out.set(sinusoid(level, width), width);
  return out;
}

/** The product of 1 - b_i up to a level, with b_i = min(1 - f((i+1)/1000)/f(i/1000), 0.999) and f(t) = cos^2((t + s)/(1 + s) pi/2). */
function keptAt(level: number): number {
  const f = (t: number) => Math.cos(((t + OFFSET) / (1 + OFFSET)) * (Math.PI / 2)) ** 2;
  let kept = 1;
  for (let i = 0; i <= level; i++) {
    kept *= 1 - Math.min(1 - f((i + 1) / LEVELS) / f(i / LEVELS), MAX_BETA);
  }
  return kept;
}
