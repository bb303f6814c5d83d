/**
 * A first half of small equal steps, then a parabola that continues it smoothly: [steps + 1], the last one 0.
 * With l = steps // 2 linear and q = steps - l quadratic steps, threshold c = 0.025 and e = l - c steps:
 *
 *   f_i = c i / l                                          i < l
 *   f_i = e/(l q^2) i^2 + (c/l - 2 e/q^2) i + e l/q^2      i >= l
 *   sigma_i = (1 - f_i) sMax
 *
 * Genmo 2024, Mochi 1's inference schedule.
 */
export function linearQuadraticSigmas(steps: number, sigmaMax: number): Float32Array {
  const sigmas = new Float32Array(steps + 1);
  if (steps === 1) {
    sigmas[0] = sigmaMax;
    return sigmas;
  }
  const l = Math.floor(steps / 2);
  const q = steps - l;
  const e = l - THRESHOLD * steps;
  for (let i = 0; i < steps; i++) {
    const linear = (THRESHOLD * i) / l;
    const quadratic =
      (e / (l * q ** 2)) * i ** 2 + (THRESHOLD / l - (2 * e) / q ** 2) * i + (e * l) / q ** 2;
    sigmas[i] = Math.fround(1 - (i < l ? linear : quadratic)) * sigmaMax;
  }
  return sigmas;
}

const THRESHOLD = 0.025;
