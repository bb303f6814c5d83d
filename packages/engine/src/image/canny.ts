/**
 * Edges as Canny 1986 finds them: grey, 5x5 Gaussian (sigma 1, mirrored border), Sobel gradient
 * (repeated border), only the ridge of the gradient kept, strong edges and the weak ones that hang
 * together with them.
 */
import { type Tensor, tensor } from "../tensor.ts";
import { resampleSeparable } from "./resample/separable.ts";
import type { Taps } from "./resample/taps.ts";
import { clamp, roundHalfEven } from "./rounding.ts";

export type CannyThresholds = { readonly low: number; readonly high: number };

/** image: [B,H,W,C]; returns [B,H,W], 1 on edges */
export function cannyEdges(image: Tensor, { low, high }: CannyThresholds): Tensor {
  const [batch = 1, height = 1, width = 1] = image.shape;
  const size = { width, height };
  const grey = toGrey(image);
  const planes = { outer: batch, inner: 1, ...size, data: grey.data };
  const smooth = resampleSeparable(planes, size, smoothingTaps).data;
  const result = tensor([batch, height, width]);
  const area = width * height;
  for (let b = 0; b < batch; b++) {
    const ridge = ridges(gradient(smooth.subarray(b * area, (b + 1) * area), size), size);
    result.data.set(followEdges(ridge, { ...size, low, high }), b * area);
  }
  return result;
}

function toGrey(image: Tensor): Tensor {
  const channels = image.shape.at(-1) ?? 3;
  const grey = tensor(image.shape.slice(0, -1));
  for (let i = 0; i < grey.data.length; i++) {
    const [red = 0, green = red, blue = red] = image.data.subarray(i * channels, i * channels + 3);
    grey.data[i] = channels < 3 ? red : 0.299 * red + 0.587 * green + 0.114 * blue;
  }
  return grey;
}

const SMOOTHING_RADIUS = 2;

function smoothingTaps(size: number): Taps {
  const count = SMOOTHING_RADIUS * 2 + 1;
  const raw = Array.from({ length: count }, (_, k) => Math.exp(-((k - SMOOTHING_RADIUS) ** 2) / 2));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const indices = new Int32Array(size * count);
  const weights = new Float32Array(size * count);
  for (let i = 0; i < size * count; i++) {
    const at = Math.floor(i / count) + (i % count) - SMOOTHING_RADIUS;
    const mirrored = at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
    indices[i] = clamp(mirrored, 0, size - 1);
    weights[i] = raw[i % count]! / total;
  }
  return { count, indices, weights };
}

type Gradient = { readonly strength: Float32Array; readonly direction: Int8Array };
type Size = { readonly width: number; readonly height: number };

/** Directions are eighths of a turn, clockwise from the right. */
function gradient(plane: Float32Array, { width, height }: Size): Gradient {
  const strength = new Float32Array(plane.length);
  const direction = new Int8Array(plane.length);
  const at = (x: number, y: number) =>
    plane[clamp(y, 0, height - 1) * width + clamp(x, 0, width - 1)]!;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const left = at(x - 1, y - 1) + 2 * at(x - 1, y) + at(x - 1, y + 1);
      const right = at(x + 1, y - 1) + 2 * at(x + 1, y) + at(x + 1, y + 1);
      const above = at(x - 1, y - 1) + 2 * at(x, y - 1) + at(x + 1, y - 1);
      const below = at(x - 1, y + 1) + 2 * at(x, y + 1) + at(x + 1, y + 1);
      const dx = right - left;
      const dy = below - above;
      const eighths = roundHalfEven((Math.atan2(dy, dx) / Math.PI) * 4);
      strength[y * width + x] = Math.sqrt(dx * dx + dy * dy + 1e-6);
      direction[y * width + x] = (eighths + 8) % 8;
    }
  }
  return { strength, direction };
}

const STEPS = [
  [1, 0],
  [1, 1],
  [0, 1],
  [-1, 1],
  [-1, 0],
  [-1, -1],
  [0, -1],
  [1, -1],
] as const;

/** A pixel stays when it is stronger than both neighbours across the edge; outside counts as 0. */
function ridges({ strength, direction }: Gradient, { width, height }: Size): Float32Array {
  const at = (x: number, y: number) =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : strength[y * width + x]!;
  return strength.map((value, i) => {
    const [dx, dy] = STEPS[direction[i]!]!;
    const x = i % width;
    const y = Math.floor(i / width);
    return value > at(x + dx, y + dy) && value > at(x - dx, y - dy) ? value : 0;
  });
}

/** Above `high` is an edge, above `low` too where a chain of such neighbours leads to one. */
function followEdges(
  ridge: Float32Array,
  { width, height, low, high }: Size & CannyThresholds,
): Float32Array {
  const edges = new Float32Array(ridge.length);
  const open: number[] = [];
  for (let i = 0; i < ridge.length; i++) {
    if (ridge[i]! > Math.max(low, high)) {
      edges[i] = 1;
      open.push(i);
    }
  }
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    const x = i % width;
    const y = Math.floor(i / width);
    for (const [dx, dy] of STEPS) {
      const inside = x + dx >= 0 && y + dy >= 0 && x + dx < width && y + dy < height;
      const neighbour = i + dy * width + dx;
      if (inside && edges[neighbour] === 0 && ridge[neighbour]! > low) {
        edges[neighbour] = 1;
        open.push(neighbour);
      }
    }
  }
  return edges;
}
