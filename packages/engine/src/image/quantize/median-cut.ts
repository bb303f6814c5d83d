/**
 * A palette by median cut (Heckbert 1982), with Pillow's choices, so that its palettes come out
 * entry by entry: the box with the most pixels is cut along its longest side, sides weighted like
 * luminance; pixels are counted from the bright end, and equal values stay together; an entry is the
 * mean of its box.
 */
export type Palette = {
  /** Red, green, blue of each entry, one after the other. */
  readonly bytes: Uint8Array;
  readonly size: number;
};

/** rgb: three bytes a pixel */
export function medianCutPalette(rgb: Uint8Array, colors: number): Palette {
  const root: Box = { colors: countColors(rgb), pixels: rgb.length / 3, parts: undefined };
  const heap: Box[] = [];
  pushBox(heap, root);
  for (let boxes = 1; boxes < colors; boxes++) {
    const box = popDivisible(heap);
    if (box === undefined) break;
    box.parts = split(box);
    for (const part of box.parts) pushBox(heap, part);
  }
  const leaves = leavesOf(root);
  return { bytes: Uint8Array.from(leaves.flatMap(meanColor)), size: leaves.length };
}

/** Colours that agree in their upper bits, with how often they occur and the sum of their full values. */
type ColorCount = {
  readonly value: readonly [number, number, number];
  readonly sums: [number, number, number];
  pixels: number;
};

type Box = { colors: ColorCount[]; readonly pixels: number; parts: [Box, Box] | undefined };

/** With more distinct colours than this, low bits are dropped until they fit. */
const MAX_COLORS = 65536;

function countColors(rgb: Uint8Array): ColorCount[] {
  for (let shift = 0; ; shift++) {
    const counts = countShifted(rgb, shift);
    if (counts !== undefined) return counts;
  }
}

function countShifted(rgb: Uint8Array, shift: number): ColorCount[] | undefined {
  const counts = new Map<number, ColorCount>();
  for (let i = 0; i < rgb.length; i += 3) {
    const [r, g, b] = [rgb[i]!, rgb[i + 1]!, rgb[i + 2]!];
    const key = ((r >> shift) << 16) | ((g >> shift) << 8) | (b >> shift);
    let count = counts.get(key);
    if (count === undefined) {
      count = { value: [r >> shift, g >> shift, b >> shift], sums: [0, 0, 0], pixels: 0 };
      counts.set(key, count);
      if (counts.size > MAX_COLORS) return undefined;
    }
    count.sums[0] += r;
    count.sums[1] += g;
    count.sums[2] += b;
    count.pixels += 1;
  }
  return [...counts.values()];
}

const LUMINANCE = [77, 150, 29] as const;
const AXES = [0, 1, 2] as const;
type Axis = (typeof AXES)[number];

function extent(box: Box, axis: Axis): number {
  let low = 255;
  let high = 0;
  for (const { value } of box.colors) {
    if (value[axis] < low) low = value[axis];
    if (value[axis] > high) high = value[axis];
  }
  return high - low;
}

/** The bright part takes colours until it has more than half of the pixels; the dark part is never empty. */
function split(box: Box): [Box, Box] {
  const lengths = AXES.map((axis) => extent(box, axis) * LUMINANCE[axis]);
  const axis = AXES.reduce((best, next) => (lengths[next]! > lengths[best]! ? next : best));
  const colors = box.colors.toSorted((a, b) => b.value[axis] - a.value[axis]);
  let end = 0;
  let counted = 0;
  while (end < colors.length && counted * 2 <= box.pixels) counted += colors[end++]!.pixels;
  const last = colors[end - 1]!.value[axis];
  while (end < colors.length && colors[end]!.value[axis] === last) end++;
  if (end === colors.length) {
    const darkest = colors[end - 1]!.value[axis];
    while (end > 0 && colors[end - 1]!.value[axis] === darkest) end--;
  }
  return [boxOf(colors.slice(0, end)), boxOf(colors.slice(end))];
}

function boxOf(colors: ColorCount[]): Box {
  const pixels = colors.reduce((sum, color) => sum + color.pixels, 0);
  return { colors, pixels, parts: undefined };
}

function leavesOf(box: Box): Box[] {
  if (box.parts !== undefined) return box.parts.flatMap(leavesOf);
  return box.colors.length > 0 ? [box] : [];
}

function meanColor({ colors, pixels }: Box): number[] {
  return AXES.map((axis) => {
    const sum = colors.reduce((total, color) => total + color.sums[axis], 0);
    return Math.trunc(0.5 + sum / pixels);
  });
}

/** A binary heap, most pixels on top; how it moves equals decides which of two equal boxes is cut. */
function pushBox(heap: Box[], box: Box): void {
  let at = heap.length;
  heap.push(box);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (box.pixels <= heap[parent]!.pixels) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = box;
}

function popBox(heap: Box[]): Box | undefined {
  const top = heap[0];
  const moved = heap.pop();
  if (top === undefined || moved === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    const next = child + 1;
    if (next < heap.length && heap[child]!.pixels < heap[next]!.pixels) child = next;
    if (moved.pixels > heap[child]!.pixels) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = moved;
  return top;
}

/** Boxes of a single colour leave the heap and stay as they are. */
function popDivisible(heap: Box[]): Box | undefined {
  for (;;) {
    const box = popBox(heap);
    if (box === undefined || AXES.some((axis) => extent(box, axis) > 0)) return box;
  }
}
