import { allocateFloats } from "../../allocate-floats.ts";
import type { Planes } from "../plane.ts";
import type { Taps } from "./taps.ts";

/** Filters rows, then columns. Sums run in f64, the intermediate and the result are f32. */
export function resampleSeparable(
  planes: Planes,
  size: { width: number; height: number },
  taps: (inSize: number, outSize: number) => Taps,
): Planes {
  const rows = filterAxis(
    { outer: planes.outer * planes.height, size: planes.width, inner: planes.inner },
    planes.data,
    { taps: taps(planes.width, size.width), outSize: size.width },
  );
  const data = filterAxis(
    { outer: planes.outer, size: planes.height, inner: size.width * planes.inner },
    rows,
    { taps: taps(planes.height, size.height), outSize: size.height },
  );
  return { ...planes, ...size, data };
}

/** data: [outer, size, inner]; returns [outer, outSize, inner] */
function filterAxis(
  layout: { outer: number; size: number; inner: number },
  data: Float32Array,
  filter: { taps: Taps; outSize: number },
): Float32Array {
  const { outer, size, inner } = layout;
  const { outSize } = filter;
  const { count, indices, weights } = filter.taps;
  const result = allocateFloats(outer * outSize * inner);
  for (let o = 0; o < outer; o++) {
    const inBase = o * size * inner;
    for (let i = 0; i < outSize; i++) {
      const outBase = (o * outSize + i) * inner;
      for (let c = 0; c < inner; c++) {
        let sum = 0;
        for (let k = 0; k < count; k++) {
          const tap = i * count + k;
          sum += weights[tap]! * data[inBase + indices[tap]! * inner + c]!;
        }
        result[outBase + c] = sum;
      }
    }
  }
  return result;
}
