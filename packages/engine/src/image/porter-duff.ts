/**
 * Porter and Duff 1984, "Compositing Digital Images", and the separable modes that Android's
 * PorterDuff.Mode adds, on premultiplied colours: for source s with alpha a, destination d with alpha b.
 */
export const PORTER_DUFF_MODES = [
  "ADD",
  "CLEAR",
  "DARKEN",
  "DST",
  "DST_ATOP",
  "DST_IN",
  "DST_OUT",
  "DST_OVER",
  "LIGHTEN",
  "MULTIPLY",
  "OVERLAY",
  "SCREEN",
  "SRC",
  "SRC_ATOP",
  "SRC_IN",
  "SRC_OUT",
  "SRC_OVER",
  "XOR",
] as const;
export type PorterDuffMode = (typeof PORTER_DUFF_MODES)[number];

type Rule = {
  readonly alpha: (a: number, b: number) => number;
  readonly color: (s: number, a: number, d: number, b: number) => number;
};

const union = (a: number, b: number): number => a + b - a * b;
const both = (a: number, b: number): number => a * b;

export const porterDuff: Readonly<Record<PorterDuffMode, Rule>> = {
  ADD: {
    alpha: (a, b) => Math.min(1, a + b),
    color: (s, _a, d) => Math.min(1, s + d),
  },
  CLEAR: { alpha: () => 0, color: () => 0 },
  DARKEN: {
    alpha: union,
    color: (s, a, d, b) => (1 - b) * s + (1 - a) * d + Math.min(s, d),
  },
  DST: { alpha: (_a, b) => b, color: (_s, _a, d) => d },
  DST_ATOP: { alpha: (a) => a, color: (s, a, d, b) => a * d + (1 - b) * s },
  DST_IN: { alpha: both, color: (_s, a, d) => d * a },
  DST_OUT: { alpha: (a, b) => (1 - a) * b, color: (_s, a, d) => (1 - a) * d },
  DST_OVER: { alpha: (a, b) => b + (1 - b) * a, color: (s, _a, d, b) => d + (1 - b) * s },
  LIGHTEN: {
    alpha: union,
    color: (s, a, d, b) => (1 - b) * s + (1 - a) * d + Math.max(s, d),
  },
  MULTIPLY: { alpha: both, color: (s, _a, d) => s * d },
  OVERLAY: {
    alpha: union,
    color: (s, a, d, b) => (2 * d < b ? 2 * s * d : a * b - 2 * (b - s) * (a - d)),
  },
  SCREEN: { alpha: union, color: (s, _a, d) => s + d - s * d },
  SRC: { alpha: (a) => a, color: (s) => s },
  SRC_ATOP: { alpha: (_a, b) => b, color: (s, a, d, b) => b * s + (1 - a) * d },
  SRC_IN: { alpha: both, color: (s, _a, _d, b) => s * b },
  SRC_OUT: { alpha: (a, b) => (1 - b) * a, color: (s, _a, _d, b) => (1 - b) * s },
  SRC_OVER: { alpha: (a, b) => a + (1 - a) * b, color: (s, a, d) => s + (1 - a) * d },
  XOR: {
    alpha: (a, b) => (1 - b) * a + (1 - a) * b,
    color: (s, a, d, b) => (1 - b) * s + (1 - a) * d,
  },
};
