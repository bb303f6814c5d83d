import { allocateFloats } from "../../allocate-floats.ts";
import type { Planes } from "../plane.ts";

/** Output i copies input min(floor((i + 0.5) * in/out), in - 1) on each axis (torch: nearest-exact). */
export function resampleNearest(planes: Planes, size: { width: number; height: number }): Planes {
  const { outer, inner, data } = planes;
  const columns = nearestIndices(planes.width, size.width);
  const rows = nearestIndices(planes.height, size.height);
  const result = allocateFloats(outer * size.height * size.width * inner);
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (let y = 0; y < size.height; y++) {
      const row = (o * planes.height + rows[y]!) * planes.width;
      for (let x = 0; x < size.width; x++) {
        const from = (row + columns[x]!) * inner;
        for (let c = 0; c < inner; c++) result[to++] = data[from + c]!;
      }
    }
  }
  return { ...planes, ...size, data: result };
}

function nearestIndices(inSize: number, outSize: number): Int32Array {
  const scale = Math.fround(inSize / outSize);
  return Int32Array.from({ length: outSize }, (_, i) =>
    Math.min(Math.floor(Math.fround(scale * (i + 0.5))), inSize - 1),
  );
}
