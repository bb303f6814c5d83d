/** Conditioning entries in terms of one sampling: areas in its latent pixels, masks at its size, ranges in sigmas. */
import { asMaskBatch } from "../image/mask-shape.ts";
import { resizeChannels } from "../image/resize.ts";
import { roundHalfEven } from "../image/rounding.ts";
import type { LatentShape } from "../math/shape.ts";
import type { GligenBoxes } from "../models/gligen-file.ts";
import type { Conditioning, ConditioningArea, ConditioningEntry } from "../models/model.ts";
import type { Tensor } from "../tensor.ts";
import { type ResolvedControl, resolveControl } from "./resolve-control.ts";

export interface LatentArea {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface ResolvedEntry {
  readonly entry: ConditioningEntry;
  /** Which side's prompt `entry` is. */
  readonly isNegative: boolean;
  readonly area?: LatentArea;
  readonly strength: number;
  /** [n,h,w] */
  readonly mask?: Tensor;
  readonly maskStrength: number;
  /** Not used above this level, nor below the next. */
  readonly sigmaStart: number;
  readonly sigmaEnd: number;
  /** Of the entry, or of the one that it mirrors. */
  readonly control?: ResolvedControl;
  readonly boxes?: GligenBoxes;
}

export interface ResolveOptions {
  readonly shape: LatentShape;
  readonly sigmaAtPercent: (percent: number) => number;
  readonly isNegative: boolean;
}

export function resolveEntries(
  conditioning: Conditioning,
  { shape, sigmaAtPercent, isNegative }: ResolveOptions,
): ResolvedEntry[] {
  return conditioning.map((entry) => {
    const mask = entry.mask === undefined ? undefined : maskAt(entry.mask, shape);
    const area = areaOf(entry, mask, shape);
    const { startPercent, endPercent } = entry;
    return {
      entry,
      isNegative,
      strength: entry.strength ?? 1,
      maskStrength: entry.maskStrength ?? 1,
      sigmaStart:
        startPercent === undefined ? Number.POSITIVE_INFINITY : sigmaAtPercent(startPercent),
      sigmaEnd: endPercent === undefined ? 0 : sigmaAtPercent(endPercent),
      ...(mask === undefined ? {} : { mask }),
      ...(area === undefined ? {} : { area }),
      ...(entry.control === undefined
        ? {}
        : { control: resolveControl(entry.control, sigmaAtPercent) }),
      ...(entry.boxes === undefined ? {} : { boxes: entry.boxes }),
    };
  });
}

/**
 * Adds to each side what the other sides have in areas, so that an area is guided against something: the same
 * area, strength, mask, range and ControlNets, with the prompt of the smallest of the side's own entries that encloses it.
 */
export function mirrorAreas(sides: readonly (readonly ResolvedEntry[])[]): ResolvedEntry[][] {
  const grown = sides.map((side) => [...side]);
  for (const side of grown) {
    for (const other of grown) {
      if (other === side) continue;
      for (const { area, ...rest } of side) {
        if (area === undefined) continue;
        const own = smallestAround(other, area);
        if (own === undefined || (own.area !== undefined && isSame(own.area, area))) continue;
        other.push({ ...rest, area, entry: own.entry, isNegative: own.isNegative });
      }
    }
  }
  return grown;
}

function smallestAround(side: readonly ResolvedEntry[], area: LatentArea) {
  let smallest: ResolvedEntry | undefined;
  for (const entry of side) {
    if (entry.area === undefined) {
      smallest ??= entry;
    } else if (isInside(area, entry.area)) {
      if (smallest?.area === undefined || sizeOf(smallest.area) > sizeOf(entry.area)) {
        smallest = entry;
      }
    }
  }
  return smallest;
}

function areaOf(
  entry: ConditioningEntry,
  mask: Tensor | undefined,
  shape: LatentShape,
): LatentArea | undefined {
  if (entry.isAreaOfMask === true && mask !== undefined) return clip(boundsOf(mask), shape);
  return entry.area === undefined ? undefined : clip(inPixels(entry.area, shape), shape);
}

function inPixels(area: ConditioningArea, { width, height }: LatentShape): LatentArea {
  if (area.unit === "latent") return area;
  return {
    x: roundHalfEven(area.x * width),
    y: roundHalfEven(area.y * height),
    width: Math.max(1, roundHalfEven(area.width * width)),
    height: Math.max(1, roundHalfEven(area.height * height)),
  };
}

function clip(area: LatentArea, { width, height }: LatentShape): LatentArea {
  const clipped = {
    x: area.x,
    y: area.y,
    width: Math.min(area.width, width - area.x),
    height: Math.min(area.height, height - area.y),
  };
  if (clipped.width < 1 || clipped.height < 1) {
    throw new Error(
      `a conditioning's area starts at (${area.x}, ${area.y}) in latent pixels, ` +
        `outside of the latent, which is ${width}x${height}`,
    );
  }
  return clipped;
}

/** Of all that is not 0, over the batch; at least 8x8. */
function boundsOf(mask: Tensor): LatentArea {
  const [, height = 1, width = 1] = mask.shape;
  let [left, top, right, bottom] = [width, height, -1, -1];
  mask.data.forEach((value, i) => {
    if (value === 0) return;
    const x = i % width;
    const y = Math.floor(i / width) % height;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  });
  if (right < 0) return { x: 0, y: 0, width: LEAST_SIDE, height: LEAST_SIDE };
  return {
    x: left,
    y: top,
    width: Math.max(LEAST_SIDE, right - left + 1),
    height: Math.max(LEAST_SIDE, bottom - top + 1),
  };
}

const LEAST_SIDE = 8;

/** A mask of any size at the latent's, kept fractional. */
export function maskAt(mask: Tensor, { width, height }: LatentShape): Tensor {
  const batch = asMaskBatch(mask);
  if (batch.shape[1] === height && batch.shape[2] === width) return batch;
  return resizeChannels(batch, { width, height, method: "bilinear" });
}

function isInside(inner: LatentArea, outer: LatentArea): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

function isSame(a: LatentArea, b: LatentArea): boolean {
  return a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
}

function sizeOf({ width, height }: LatentArea): number {
  return width * height;
}
