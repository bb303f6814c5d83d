import type { Palette } from "./median-cut.ts";

/**
 * Index of the palette entry nearest to a colour whose two lowest bits are cleared (so Pillow's
 * cache of 64x64x64 answers); the first of equals. A palette of less than 256 colours has black
 * after them, the value of the unused entries of the table.
 */
export function nearestColor({
  bytes,
  size,
}: Palette): (r: number, g: number, b: number) => number {
  const entries = Math.min(size + 1, 256);
  const cache = new Int16Array(64 * 64 * 64).fill(UNKNOWN);
  return (r, g, b) => {
    const slot = ((r >> 2) << 12) | ((g >> 2) << 6) | (b >> 2);
    if (cache[slot] === UNKNOWN) cache[slot] = search(r & ~3, g & ~3, b & ~3);
    return cache[slot]!;
  };

  function search(r: number, g: number, b: number): number {
    let best = 0;
    let shortest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < entries; i++) {
      const dr = (bytes[i * 3] ?? 0) - r;
      const dg = (bytes[i * 3 + 1] ?? 0) - g;
      const db = (bytes[i * 3 + 2] ?? 0) - b;
      const distance = dr * dr + dg * dg + db * db;
      if (distance < shortest) {
        shortest = distance;
        best = i;
      }
    }
    return best;
  }
}

const UNKNOWN = -1;
