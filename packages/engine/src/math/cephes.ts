/**
 * log, sin and cos of 32-bit floats by the Cephes polynomials, in the order and with the fused
 * multiply-adds of torch's AVX2 kernels: the last bit of torch.randn depends on both.
 * Moshier, Cephes Math Library, single/logf.c and single/sinf.c.
 */
const { fround } = Math;

/** a b + c rounded once: the product of two 24-bit significands is exact in a double. */
const fma = (a: number, b: number, c: number): number => fround(a * b + c);

const LOG = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1,
  -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(fround);
const LOG_Q1 = fround(-2.1219444e-4);
const LOG_Q2 = fround(0.693359375);
const SQRT_HALF = fround(Math.SQRT1_2);

const asFloat = new Float32Array(1);
const asBits = new Int32Array(asFloat.buffer);

/** ln x for normal x > 0: x = 2^e m with sqrt(1/2) <= m < sqrt(2), then a polynomial in m - 1. */
export function logFloat(value: number): number {
  asFloat[0] = value;
  const bits = asBits[0]!;
  asBits[0] = (bits & 0x007fffff) | 0x3f000000;
  let x = asFloat[0];
  let e = (bits >>> 23) - 126;
  if (x < SQRT_HALF) {
    e -= 1;
    x = fround(fround(x - 1) + x);
  } else {
    x = fround(x - 1);
  }
  const z = fround(x * x);
  let y = LOG[0]!;
  for (let k = 1; k < LOG.length; k++) y = fma(y, x, LOG[k]!);
  y = fround(y * x);
  y = fma(y, z, fround(e * LOG_Q1));
  y = fma(z, -0.5, y);
  return fma(e, LOG_Q2, fround(x + y));
}

const FOUR_OVER_PI = fround(1.27323954473516);
const PI_4_HIGH = fround(-0.78515625);
const PI_4_MIDDLE = fround(-2.4187564849853516e-4);
const PI_4_LOW = fround(-3.774894977445941e-8);
const COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(fround);
const SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(fround);

/** Writes sin x and cos x into `out`, for x >= 0. */
export function sinCosFloat(value: number, out: Float32Array): void {
  const octant = (Math.trunc(fround(value * FOUR_OVER_PI)) + 1) & ~1;
  const sinSign = octant & 4 ? -1 : 1;
  const cosSign = ~(octant - 2) & 4 ? -1 : 1;
  const isSwapped = (octant & 2) !== 0;
  let x = fma(octant, PI_4_HIGH, value);
  x = fma(octant, PI_4_MIDDLE, x);
  x = fma(octant, PI_4_LOW, x);
  const z = fround(x * x);

  let cos = fma(COS[0]!, z, COS[1]!);
  cos = fma(cos, z, COS[2]!);
  cos = fround(cos * z);
  cos = fma(cos, z, fround(z * -0.5));
  cos = fround(cos + 1);

  let sin = fma(SIN[0]!, z, SIN[1]!);
  sin = fma(sin, z, SIN[2]!);
  sin = fround(sin * z);
  sin = fma(sin, x, x);

  out[0] = sinSign * (isSwapped ? cos : sin);
  out[1] = cosSign * (isSwapped ? sin : cos);
}
