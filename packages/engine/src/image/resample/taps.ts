import { clamp } from "../rounding.ts";

/**
 * What a separable filter reads along one axis: output i is
 * sum_k weights[i*count+k] * input[indices[i*count+k]].
 */
export type Taps = {
  readonly count: number;
  readonly indices: Int32Array;
  readonly weights: Float32Array;
};

/**
 * Two neighbours with half-pixel centres, no antialiasing (torch: bilinear, align_corners=false):
 * s = max(0, (i + 0.5) * in/out - 0.5), weights 1 - frac(s) and frac(s).
 */
export function bilinearTaps(inSize: number, outSize: number): Taps {
  const taps = emptyTaps(outSize, 2);
  const scale = Math.fround(inSize / outSize);
  for (let i = 0; i < outSize; i++) {
    const source = Math.max(0, Math.fround(scale * (i + 0.5) - 0.5));
    const index = Math.min(Math.trunc(source), inSize - 1);
    const fraction = Math.fround(source - index);
    taps.indices[i * 2] = index;
    taps.indices[i * 2 + 1] = Math.min(index + 1, inSize - 1);
    taps.weights[i * 2] = Math.fround(1 - fraction);
    taps.weights[i * 2 + 1] = fraction;
  }
  return taps;
}

/** Cubic convolution with A = -0.75 over four neighbours, the border repeated (torch: bicubic). */
export function bicubicTaps(inSize: number, outSize: number): Taps {
  const taps = emptyTaps(outSize, 4);
  const scale = Math.fround(inSize / outSize);
  for (let i = 0; i < outSize; i++) {
    const source = Math.fround(Math.fround(scale * (i + 0.5)) - 0.5);
    const index = Math.floor(source);
    const t = Math.fround(source - index);
    const weights = [outerCubic(t + 1), innerCubic(t), innerCubic(1 - t), outerCubic(2 - t)];
    weights.forEach((weight, k) => {
      taps.indices[i * 4 + k] = clamp(index - 1 + k, 0, inSize - 1);
      taps.weights[i * 4 + k] = weight;
    });
  }
  return taps;
}

/**
 * Cubic convolution with A = -0.5 over two neighbours on each side of the output's width, so that a smaller picture is
 * smoothed (torch: bicubic with antialias, as Pillow has it).
 */
export function smoothBicubicTaps(inSize: number, outSize: number): Taps {
  const scale = inSize / outSize;
  const width = Math.max(scale, 1);
  const support = 2 * width;
  const taps = emptyTaps(outSize, Math.ceil(support) * 2 + 1);
  const { count } = taps;
  for (let i = 0; i < outSize; i++) {
    const center = scale * (i + 0.5);
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const end = Math.min(Math.trunc(center + support + 0.5), inSize);
    let total = 0;
    for (let k = 0; k < end - start; k++) {
      const weight = smoothCubic(Math.abs((start + k - center + 0.5) / width));
      taps.indices[i * count + k] = start + k;
      taps.weights[i * count + k] = weight;
      total += weight;
    }
    for (let k = 0; k < count; k++) {
      if (k < end - start) taps.weights[i * count + k]! /= total;
      else taps.indices[i * count + k] = start;
    }
  }
  return taps;
}

const SMOOTH_A = -0.5;

function smoothCubic(x: number): number {
  if (x < 1) return ((SMOOTH_A + 2) * x - (SMOOTH_A + 3)) * x * x + 1;
  if (x < 2) return ((SMOOTH_A * x - 5 * SMOOTH_A) * x + 8 * SMOOTH_A) * x - 4 * SMOOTH_A;
  return 0;
}

/** The mean of inputs floor(i*in/out) .. ceil((i+1)*in/out) - 1 (torch: area). */
export function areaTaps(inSize: number, outSize: number): Taps {
  const start = (i: number) => Math.floor((i * inSize) / outSize);
  const end = (i: number) => Math.ceil(((i + 1) * inSize) / outSize);
  let count = 1;
  for (let i = 0; i < outSize; i++) count = Math.max(count, end(i) - start(i));
  const taps = emptyTaps(outSize, count);
  for (let i = 0; i < outSize; i++) {
    const size = end(i) - start(i);
    for (let k = 0; k < count; k++) {
      taps.indices[i * count + k] = k < size ? start(i) + k : start(i);
      taps.weights[i * count + k] = k < size ? 1 / size : 0;
    }
  }
  return taps;
}

const CUBIC_A = -0.75;

/** |x| <= 1 */
function innerCubic(x: number): number {
  return ((CUBIC_A + 2) * x - (CUBIC_A + 3)) * x * x + 1;
}

/** 1 < |x| < 2 */
function outerCubic(x: number): number {
  return ((CUBIC_A * x - 5 * CUBIC_A) * x + 8 * CUBIC_A) * x - 4 * CUBIC_A;
}

function emptyTaps(outSize: number, count: number): Taps {
  return {
    count,
    indices: new Int32Array(outSize * count),
    weights: new Float32Array(outSize * count),
  };
}
