import { weightedSum } from "../../src/math/weighted-sum.ts";
import type { Denoise } from "../../src/sampler/solver.ts";

/**
 * The best denoiser for pictures that are Gaussian around `mean` with `variance`:
 *
 *   D(x, s) = mean + v/(v + s^2) (x - mean)
 *
 * Its probability flow is known: x(s) = mean + (x(s0) - mean) sqrt((v + s^2)/(v + s0^2)).
 */
export function gaussianDenoiser(mean: Float32Array, variance: number) {
  const calls: number[] = [];
  const denoise: Denoise = (x, sigma) => {
    calls.push(sigma);
    const keep = variance / (variance + sigma ** 2);
    return Promise.resolve(weightedSum([1 - keep, mean], [keep, x]));
  };
  function exact(x: Float32Array, from: number, to: number): Float32Array {
    const keep = Math.sqrt((variance + to ** 2) / (variance + from ** 2));
    return weightedSum([1 - keep, mean], [keep, x]);
  }
  return { denoise, exact, calls };
}
