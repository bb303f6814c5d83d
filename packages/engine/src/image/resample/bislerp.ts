import { allocateFloats } from "../../allocate-floats.ts";
import type { Tensor } from "../../tensor.ts";
import { channelPlanes } from "../plane.ts";
import { bilinearTaps } from "./taps.ts";

/**
 * Bilinear resampling that turns instead of mixing: each pixel is a vector over the channels; along
 * the width, then along the height, the two neighbours' directions are interpolated on the sphere
 * and their lengths linearly.
 *
 *   w = acos(u1 . u2);  u = (sin((1-r) w) u1 + sin(r w) u2) / sin(w);  |out| = (1-r)|a| + r|b|
 *
 * Nearly equal directions give a, nearly opposite ones the plain mix, zero vectors stay zero.
 * latent: [...,C,h,w]
 */
export function resampleBislerp(latent: Tensor, size: { width: number; height: number }): Tensor {
  const { width, height } = channelPlanes(latent);
  const channels = latent.shape.at(-3) ?? 1;
  const outer = latent.data.length / (channels * height * width);
  const rows = slerpAxis(latent.data, {
    outer,
    channels,
    stride: height * width,
    lines: height,
    lineStride: width,
    step: 1,
    inSize: width,
    outSize: size.width,
    outStride: height * size.width,
    outLineStride: size.width,
    outStep: 1,
  });
  const data = slerpAxis(rows, {
    outer,
    channels,
    stride: height * size.width,
    lines: size.width,
    lineStride: 1,
    step: size.width,
    inSize: height,
    outSize: size.height,
    outStride: size.height * size.width,
    outLineStride: 1,
    outStep: size.width,
  });
  return { shape: [...latent.shape.slice(0, -2), size.height, size.width], data };
}

type AxisLayout = {
  readonly outer: number;
  readonly channels: number;
  /** Distance between channels; lines run beside the axis, steps along it. */
  readonly stride: number;
  readonly lines: number;
  readonly lineStride: number;
  readonly step: number;
  readonly inSize: number;
  readonly outSize: number;
  readonly outStride: number;
  readonly outLineStride: number;
  readonly outStep: number;
};

function slerpAxis(data: Float32Array, layout: AxisLayout): Float32Array {
  const { outer, channels, stride, outStride, inSize, outSize } = layout;
  const { indices, weights } = bilinearTaps(inSize, outSize);
  const result = allocateFloats(outer * channels * outStride);
  for (let o = 0; o < outer; o++) {
    for (let line = 0; line < layout.lines; line++) {
      const from = o * channels * stride + line * layout.lineStride;
      const to = o * channels * outStride + line * layout.outLineStride;
      for (let i = 0; i < outSize; i++) {
        const a = from + indices[i * 2]! * layout.step;
        const b = from + indices[i * 2 + 1]! * layout.step;
        const ratio = weights[i * 2 + 1]!;
        const out = to + i * layout.outStep;
        slerpVector({ data, a, b, channels, stride, ratio, result, out, outStride });
      }
    }
  }
  return result;
}

/** Directions closer than this to equal or opposite have no usable angle. */
const PARALLEL = 1 - 1e-5;

function slerpVector(v: {
  data: Float32Array;
  a: number;
  b: number;
  channels: number;
  stride: number;
  ratio: number;
  result: Float32Array;
  out: number;
  outStride: number;
}): void {
  const { data, a, b, channels, stride, ratio, result, out, outStride } = v;
  let squareA = 0;
  let squareB = 0;
  let product = 0;
  for (let c = 0; c < channels; c++) {
    const va = data[a + c * stride]!;
    const vb = data[b + c * stride]!;
    squareA += va * va;
    squareB += vb * vb;
    product += va * vb;
  }
  const normA = Math.sqrt(squareA);
  const normB = Math.sqrt(squareB);
  const dot = normA === 0 || normB === 0 ? 0 : product / (normA * normB);
  let fromA = 1;
  let fromB = 0;
  if (dot < -PARALLEL) {
    fromA = 1 - ratio;
    fromB = ratio;
  } else if (dot <= PARALLEL) {
    const angle = Math.acos(dot);
    const length = normA * (1 - ratio) + normB * ratio;
    fromA = normA === 0 ? 0 : ((Math.sin((1 - ratio) * angle) / Math.sin(angle)) * length) / normA;
    fromB = normB === 0 ? 0 : ((Math.sin(ratio * angle) / Math.sin(angle)) * length) / normB;
  }
  for (let c = 0; c < channels; c++) {
    result[out + c * outStride] = data[a + c * stride]! * fromA + data[b + c * stride]! * fromB;
  }
}
