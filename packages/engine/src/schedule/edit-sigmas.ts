/** Noise levels cut, turned and refined; each returns new ones. */

/** The first `step` steps and the rest: both share the level between them. */
export function splitSigmas(sigmas: Float32Array, step: number): [Float32Array, Float32Array] {
  return [sigmas.slice(0, step + 1), sigmas.slice(step)];
}

/** Split so that the second part does `denoise` of the steps. */
export function splitSigmasAtDenoise(
  sigmas: Float32Array,
  denoise: number,
  round: (value: number) => number,
): [Float32Array, Float32Array] {
  const steps = Math.max(sigmas.length - 1, 0);
  const low = round(steps * denoise);
  // Python's [:-0] is empty.
  const high = low === 0 ? new Float32Array(0) : sigmas.slice(0, -low);
  return [high, sigmas.slice(-(low + 1))];
}

/** From clean to noisy. A solver cannot start at 0. */
export function flipSigmas(sigmas: Float32Array): Float32Array {
  const flipped = sigmas.slice().reverse();
  if (flipped[0] === 0) flipped[0] = 0.0001;
  return flipped;
}

export function withFirstSigma(sigmas: Float32Array, sigma: number): Float32Array {
  const changed = sigmas.slice();
  if (changed.length > 0) changed[0] = sigma;
  return changed;
}

export type SigmaSpacing = "linear" | "cosine" | "sine";

/** How far along the way from one level to the next a fraction t of the new steps is. */
const spacings: Record<SigmaSpacing, (t: number) => number> = {
  linear: (t) => t,
  cosine: (t) => Math.sin((t * Math.PI) / 2),
  sine: (t) => 1 - Math.cos((t * Math.PI) / 2),
};

/** Each step that starts at or below `startSigma` and at or above `endSigma` becomes `steps` steps. */
export function extendSigmas(
  sigmas: Float32Array,
  {
    steps,
    startSigma,
    endSigma,
    spacing,
  }: {
    readonly steps: number;
    /** Negative for no limit. */
    readonly startSigma: number;
    readonly endSigma: number;
    readonly spacing: SigmaSpacing;
  },
): Float32Array {
  const highest = startSigma < 0 ? Number.POSITIVE_INFINITY : startSigma;
  const extended: number[] = [];
  sigmas.forEach((sigma, i) => {
    extended.push(sigma);
    const next = sigmas[i + 1];
    if (next === undefined || sigma > highest || sigma < endSigma) return;
    for (let k = 1; k < steps; k++) {
      extended.push(sigma + (next - sigma) * spacings[spacing](k / steps));
    }
  });
  return Float32Array.from(extended);
}
