export const BLEND_MODES = [
  "normal",
  "multiply",
  "screen",
  "overlay",
  "soft_light",
  "difference",
] as const;
export type BlendMode = (typeof BLEND_MODES)[number];

/** Each mode for one value of the lower image `a` and the upper image `b`, rounded to f32 at every step. */
export const blendModes: Readonly<Record<BlendMode, (a: number, b: number) => number>> = {
  normal: (_, b) => b,
  multiply: (a, b) => f(a * b),
  screen,
  overlay: (a, b) => (a <= 0.5 ? f(2 * f(a * b)) : f(1 - f(f(2 * f(1 - a)) * f(1 - b)))),
  soft_light: (a, b) =>
    b <= 0.5
      ? f(a - f(f(f(1 - f(2 * b)) * a) * f(1 - a)))
      : f(a + f(f(f(2 * b) - 1) * f(softCurve(a) - a))),
  difference: (a, b) => f(a - b),
};

const f = Math.fround;

function screen(a: number, b: number): number {
  return f(1 - f(f(1 - a) * f(1 - b)));
}

/** The W3C soft-light curve: a cubic below 1/4, the square root above. */
function softCurve(x: number): number {
  return x <= 0.25 ? f(f(f(f(f(16 * x) - 12) * x) + 4) * x) : f(Math.sqrt(x));
}
