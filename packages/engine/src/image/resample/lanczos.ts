import { bytesToFloats, floatsToBytes } from "../bytes.ts";
import type { Planes } from "../plane.ts";

/**
 * Lanczos-3 with antialiasing, in 8-bit fixed point as Pillow does it: values become bytes, rows are
 * filtered, then columns, each stage rounded to a byte. RGBA is filtered with premultiplied alpha.
 */
export function resampleLanczos(planes: Planes, size: { width: number; height: number }): Planes {
  const { outer, inner } = planes;
  let bytes = floatsToBytes(planes.data);
  const withAlpha = inner === 4;
  if (withAlpha) bytes = premultiply(bytes);
  if (size.width !== planes.width) {
    const layout = { outer: outer * planes.height, size: planes.width, inner };
    bytes = filterBytes(bytes, layout, size.width);
  }
  if (size.height !== planes.height) {
    const layout = { outer, size: planes.height, inner: size.width * inner };
    bytes = filterBytes(bytes, layout, size.height);
  }
  if (withAlpha) bytes = unpremultiply(bytes);
  return { ...planes, ...size, data: bytesToFloats(bytes) };
}

/** Fixed point: 22 fraction bits leave two spare bits over 8 for lobes below 0 and above 1. */
const PRECISION_BITS = 22;
const LOBES = 3;

type FixedTaps = {
  readonly count: number;
  readonly starts: Int32Array;
  readonly sizes: Int32Array;
  readonly weights: Int32Array;
};

/** bytes: [outer, size, inner]; returns [outer, outSize, inner] */
function filterBytes(
  bytes: Uint8Array,
  layout: { outer: number; size: number; inner: number },
  outSize: number,
): Uint8Array {
  const { outer, size, inner } = layout;
  const { count, starts, sizes, weights } = lanczosTaps(size, outSize);
  const result = new Uint8ClampedArray(outer * outSize * inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < outSize; i++) {
      const from = (o * size + starts[i]!) * inner;
      const to = (o * outSize + i) * inner;
      const taps = sizes[i]!;
      for (let c = 0; c < inner; c++) {
        let sum = 1 << (PRECISION_BITS - 1);
        for (let k = 0; k < taps; k++) {
          sum += Math.imul(bytes[from + k * inner + c]!, weights[i * count + k]!);
        }
        result[to + c] = sum >> PRECISION_BITS;
      }
    }
  }
  return new Uint8Array(result.buffer);
}

function lanczosTaps(inSize: number, outSize: number): FixedTaps {
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = LOBES * filterScale;
  const count = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outSize);
  const sizes = new Int32Array(outSize);
  const weights = new Int32Array(outSize * count);
  for (let i = 0; i < outSize; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(inSize, Math.trunc(center + support + 0.5));
    const raw = Array.from({ length: end - start }, (_, k) =>
      lanczos((k + start - center + 0.5) / filterScale),
    );
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    starts[i] = start;
    sizes[i] = end - start;
    raw.forEach((weight, k) => {
      const fixed = (total === 0 ? weight : weight / total) * 2 ** PRECISION_BITS;
      weights[i * count + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
  }
  return { count, starts, sizes, weights };
}

function lanczos(x: number): number {
  return x >= -LOBES && x < LOBES ? sinc(x) * sinc(x / LOBES) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** round(color * alpha / 255) in integers, the division done with shifts. */
function premultiply(rgba: Uint8Array): Uint8Array {
  const result = new Uint8Array(rgba);
  for (let i = 0; i < rgba.length; i += 4) {
    for (let c = 0; c < 3; c++) {
      const product = rgba[i + c]! * rgba[i + 3]! + 128;
      result[i + c] = ((product >> 8) + product) >> 8;
    }
  }
  return result;
}

function unpremultiply(rgba: Uint8Array): Uint8Array {
  const result = new Uint8Array(rgba);
  for (let i = 0; i < rgba.length; i += 4) {
    const alpha = rgba[i + 3]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let c = 0; c < 3; c++)
      result[i + c] = Math.min(255, Math.trunc((255 * rgba[i + c]!) / alpha));
  }
  return result;
}
