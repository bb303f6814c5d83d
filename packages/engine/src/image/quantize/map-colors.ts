import type { Pixels } from "../png/scanlines.ts";
import { clamp } from "../rounding.ts";
import type { Palette } from "./median-cut.ts";
import { nearestColor } from "./nearest-color.ts";

/** Every pixel becomes its nearest palette colour. pixels: RGB */
export function mapToPalette(pixels: Pixels, palette: Palette): Uint8Array {
  const nearest = nearestColor(palette);
  const result = new Uint8Array(pixels.bytes.length);
  for (let i = 0; i < result.length; i += 3) {
    const entry = nearest(pixels.bytes[i]!, pixels.bytes[i + 1]!, pixels.bytes[i + 2]!) * 3;
    for (let c = 0; c < 3; c++) result[i + c] = palette.bytes[entry + c] ?? 0;
  }
  return result;
}

/**
 * Floyd and Steinberg 1976: 7/16 of a pixel's error go to the right, 3, 5 and 1 sixteenths to the
 * row below. As in Pillow, the last column of the row below gets, in all three channels, what is
 * left over of blue: 5/16 + 1/16 of two errors, 1/16, 16/16.
 */
export function ditherFloydSteinberg(pixels: Pixels, palette: Palette): Uint8Array {
  const { width, height, bytes } = pixels;
  const nearest = nearestColor(palette);
  const result = new Uint8Array(bytes.length);
  /** For the row below, in sixteenths, shifted by one pixel: entry x + 1 belongs to pixel x. */
  const below = new Int32Array((width + 1) * 3);
  const right = new Int32Array(3);
  const under = new Int32Array(3);
  const underRight = new Int32Array(3);
  const color = new Int32Array(3);
  for (let y = 0; y < height; y++) {
    right.fill(0);
    under.fill(0);
    underRight.fill(0);
    let lastBlueError = 0;
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) {
        const error = Math.trunc((right[c]! + below[(x + 1) * 3 + c]!) / 16);
        color[c] = clamp(bytes[at + c]! + error, 0, 255);
      }
      const entry = nearest(color[0]!, color[1]!, color[2]!) * 3;
      for (let c = 0; c < 3; c++) {
        const chosen = palette.bytes[entry + c] ?? 0;
        const error = color[c]! - chosen;
        result[at + c] = chosen;
        below[x * 3 + c] = 3 * error + under[c]!;
        under[c] = 5 * error + underRight[c]!;
        underRight[c] = error;
        right[c] = 7 * error;
        lastBlueError = error;
      }
    }
    below.set([under[2]!, underRight[2]!, lastBlueError], width * 3);
  }
  return result;
}

/**
 * Adds an ordered pattern of size `order` (2, 4, 8, 16) before the nearest colour is taken. The
 * pattern is as strong as 256 colours ask for, however many there are: ComfyUI counts the whole table.
 */
export function ditherBayer(pixels: Pixels, palette: Palette, order: number): Uint8Array {
  const { width, bytes } = pixels;
  const pattern = bayerPattern(order).map((value) => Math.fround(BAYER_SPREAD * value + 0.5));
  const shifted = bytes.map((value, i) => {
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / 3 / width);
    return clamp(value + pattern[(y % order) * order + (x % order)]!, 0, 255);
  });
  return mapToPalette({ ...pixels, bytes: shifted }, palette);
}

const BAYER_SPREAD = 2;

/** Bayer 1973, centred on 0: each quarter is the smaller pattern plus -1.5, 0.5, 1.5 or -0.5 over order^2. */
function bayerPattern(order: number): Float32Array {
  if (order === 1) return new Float32Array(1);
  const half = order / 2;
  const smaller = bayerPattern(half);
  const offsets = [-1.5, 0.5, 1.5, -0.5];
  return Float32Array.from({ length: order * order }, (_, i) => {
    const x = i % order;
    const y = Math.floor(i / order);
    const quarter = (y < half ? 0 : 2) + (x < half ? 0 : 1);
    const inner = smaller[(y % half) * half + (x % half)]!;
    return inner + offsets[quarter]! / (order * order);
  });
}
