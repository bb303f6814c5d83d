/**
 * The functions of exponential integrators: phi1(z) = (e^z - 1)/z, phi2(z) = (phi1(z) - 1)/z.
 * Hochbruck and Ostermann 2010, "Exponential integrators", eq. 2.10.
 */
export function phi1(z: number): number {
  return z === 0 ? 1 : Math.expm1(z) / z;
}

export function phi2(z: number): number {
  // The difference loses digits near 0; its Taylor series does not.
  return Math.abs(z) < 1e-3 ? 0.5 + z / 6 + (z * z) / 24 : (phi1(z) - 1) / z;
}
