import type { LatentShape } from "../math/shape.ts";
import type { LatentArea, ResolvedEntry } from "./resolve-entries.ts";

/** Latent pixels over which an area without mask fades in. */
const FEATHER = 8;

export function areaOrAll({ area }: ResolvedEntry, { width, height }: LatentShape): LatentArea {
  return area ?? { x: 0, y: 0, width, height };
}

/**
 * How much an entry's prediction counts: [B,h,w] of its area, flat. Strength, times the mask where there is one;
 * an area without mask fades in from those of its edges that are not the picture's.
 */
export function entryWeights(resolved: ResolvedEntry, shape: LatentShape): Float32Array {
  const { mask, maskStrength, strength } = resolved;
  const area = areaOrAll(resolved, shape);
  const size = area.width * area.height;
  const weights = new Float32Array(shape.batch * size).fill(strength);
  for (let b = 0; b < shape.batch; b++) {
    const part = weights.subarray(b * size, (b + 1) * size);
    if (mask !== undefined) {
      multiplyByMask(part, { area, shape, mask: maskEntry(mask.data, b, shape), maskStrength });
    } else if (resolved.area !== undefined) {
      feather(part, area, shape);
    }
  }
  return weights;
}

/** The first B masks, repeated over the batch. */
function maskEntry(data: Float32Array, index: number, shape: LatentShape): Float32Array {
  const size = shape.width * shape.height;
  const count = Math.min(data.length / size, shape.batch);
  const which = index % count;
  return data.subarray(which * size, (which + 1) * size);
}

function multiplyByMask(
  weights: Float32Array,
  {
    area,
    shape,
    mask,
    maskStrength,
  }: {
    readonly area: LatentArea;
    readonly shape: LatentShape;
    readonly mask: Float32Array;
    readonly maskStrength: number;
  },
): void {
  for (let y = 0; y < area.height; y++) {
    const row = (area.y + y) * shape.width + area.x;
    for (let x = 0; x < area.width; x++) {
      const i = y * area.width + x;
      weights[i] = (weights[i] ?? 0) * (mask[row + x] ?? 0) * maskStrength;
    }
  }
}

/** Line t from such an edge is multiplied by (t + 1)/n, n = 8 or a quarter of the side. */
function feather(weights: Float32Array, area: LatentArea, shape: LatentShape): void {
  const lines = (side: number): number => Math.min(FEATHER, Math.floor(side / 4));
  const vertical = ramp(area.height, lines(area.height), {
    start: area.y !== 0,
    end: area.y + area.height < shape.height,
  });
  const horizontal = ramp(area.width, lines(area.width), {
    start: area.x !== 0,
    end: area.x + area.width < shape.width,
  });
  for (let i = 0; i < weights.length; i++) {
    const y = Math.floor(i / area.width);
    const x = i % area.width;
    weights[i] = (weights[i] ?? 0) * (vertical[y] ?? 1) * (horizontal[x] ?? 1);
  }
}

function ramp(side: number, lines: number, at: { start: boolean; end: boolean }): number[] {
  return Array.from({ length: side }, (_, i) => {
    const fromStart = at.start && i < lines ? (i + 1) / lines : 1;
    const fromEnd = at.end && side - 1 - i < lines ? (side - i) / lines : 1;
    return fromStart * fromEnd;
  });
}
