/** Changes of the sides' predictions by projection, before guidance makes one of them. */
import { weightedSum } from "../math/weighted-sum.ts";
import { byPicture, dotOf, type PictureRange } from "./by-picture.ts";
import type { GuidanceStage } from "./model-guidance.ts";

type Sides = Pick<GuidanceStage, "positive" | "negative">;

export interface ProjectionOptions {
  /** Of the part along the positive. */
  readonly eta: number;
  /** Longer guidance is shortened to it; 0 for never. */
  readonly normThreshold: number;
  /** Of what guided before; 0 for nothing. */
  readonly momentum: number;
}

/** Adaptive projected guidance; what it remembers ends with a sampling. Sadat et al. 2024, arXiv:2410.02416, alg. 1. */
export function adaptiveProjection({
  eta,
  normThreshold,
  momentum,
}: ProjectionOptions): (stage: GuidanceStage) => Sides {
  let running: Float32Array | undefined;
  let lastSigma = Number.POSITIVE_INFINITY;
  return ({ positive, negative, sigma, cfg, shape }) => {
    if (sigma > lastSigma) running = undefined;
    lastSigma = sigma;
    const difference = weightedSum([1, positive], [-1, negative]);
    let guidance = difference;
    if (momentum > 0 && running !== undefined) {
      guidance = weightedSum([momentum, running], [1, difference]);
    }
    running = guidance;
    const changed = byPicture(shape, (range) => {
      const norm = Math.sqrt(dotOf(guidance, guidance, range));
      const scale = normThreshold > 0 ? Math.min(1, normThreshold / norm) : 1;
      const ofPositive = Math.max(dotOf(positive, positive, range), 1e-24);
      const along = (scale * dotOf(guidance, positive, range)) / ofPositive;
      return (i) => {
        const kept = scale * (guidance[i] ?? 0) + (eta - 1) * along * (positive[i] ?? 0);
        return (negative[i] ?? 0) + kept + (difference[i] ?? 0) / cfg;
      };
    });
    return { positive: changed, negative };
  };
}

/** Of the negative's noise only what lies along the direction that both noises share most. Kwon et al. 2025, arXiv:2503.18137. */
export function tangentialDamping({ x, positive, negative, shape }: GuidanceStage): Sides {
  const pos = weightedSum([1, x], [-1, positive]);
  const neg = weightedSum([1, x], [-1, negative]);
  const damped = byPicture(shape, (range) => {
    const { ofFirst, ofSecond } = projectionOfFirst(neg, pos, range);
    return (i) => (x[i] ?? 0) - ofFirst * (neg[i] ?? 0) - ofSecond * (pos[i] ?? 0);
  });
  return { positive, negative: damped };
}

/** a projected on the first right singular vector of the rows a and b, as multiples of a and of b. */
function projectionOfFirst(a: Float32Array, b: Float32Array, range: PictureRange) {
  const [aa, ab, bb] = [dotOf(a, a, range), dotOf(a, b, range), dotOf(b, b, range)];
  // The eigenvector of [[aa, ab], [ab, bb]] for its larger eigenvalue says how a and b mix.
  const angle = Math.atan2(2 * ab, aa - bb) / 2;
  const [u, v] = [Math.cos(angle), Math.sin(angle)];
  const square = u * u * aa + 2 * u * v * ab + v * v * bb;
  const along = square === 0 ? 0 : (u * aa + v * ab) / square;
  return { ofFirst: along * u, ofSecond: along * v };
}
