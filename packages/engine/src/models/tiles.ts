import { type Tensor, tensor } from "../tensor.ts";

export interface TileOptions {
  /** Of a tile, in the source's pixels; of a square one its side. */
  readonly size: number | { readonly height: number; readonly width: number };
  /** That neighbours share. */
  readonly overlap: number;
  /** Side of the result over that of the source: 8 for decoding, 1/8 for encoding. */
  readonly scale: number;
  readonly signal?: AbortSignal | undefined;
  onTile?(done: number, tiles: number): void;
}

/**
 * Puts a map through `work` in tiles, so that memory does not grow with its size. Where tiles overlap they are mixed, each
 * with a weight that falls off linearly to its edges. x: [1,C,h,w]; returns [1,C',scale h,scale w]
 */
export async function inTiles(
  x: Tensor,
  work: (tile: Tensor) => Promise<Tensor>,
  { size, overlap, scale, signal, onTile }: TileOptions,
): Promise<Tensor> {
  const [, , height = 0, width = 0] = x.shape;
  const sides = typeof size === "number" ? { height: size, width: size } : size;
  const places = tileSpans(height, sides.height, overlap).flatMap((rows) =>
    tileSpans(width, sides.width, overlap).map((columns) => ({ rows, columns })),
  );
  let mixed: Mixture | undefined;
  for (const [index, place] of places.entries()) {
    signal?.throwIfAborted();
    const tile = await work(cut(x, place));
    mixed ??= createMixture(tile.shape[1] ?? 0, { height: height * scale, width: width * scale });
    mix(mixed, tile, {
      top: place.rows.start * scale,
      left: place.columns.start * scale,
      feather: overlap * scale,
    });
    onTile?.(index + 1, places.length);
  }
  if (mixed === undefined) throw new RangeError(`a map of ${height} x ${width} has no tiles`);
  return divided(mixed);
}

/** How many tiles of a shape cover a map. */
export function tileCount(
  map: { height: number; width: number },
  tile: { height: number; width: number },
  { overlap }: { overlap: number },
): number {
  const rows = tileSpans(map.height, tile.height, overlap);
  return rows.length * tileSpans(map.width, tile.width, overlap).length;
}

export interface TileSpan {
  readonly start: number;
  readonly length: number;
}

/** Tiles from 0 on, as ComfyUI lays them: the last one is as long as what is left, and never all within the one before. */
export function tileSpans(length: number, size: number, overlap: number): TileSpan[] {
  if (length <= size) return [{ start: 0, length }];
  const step = Math.max(size - overlap, 1);
  const spans: TileSpan[] = [];
  for (let start = 0; start < length - overlap; start += step) {
    spans.push({ start, length: Math.min(size, length - start) });
  }
  return spans;
}

function cut(x: Tensor, { rows, columns }: { rows: TileSpan; columns: TileSpan }): Tensor {
  const [, channels = 0, height = 0, width = 0] = x.shape;
  const tile = tensor([1, channels, rows.length, columns.length]);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < rows.length; y++) {
      const from = (c * height + rows.start + y) * width + columns.start;
      const line = x.data.subarray(from, from + columns.length);
      tile.data.set(line, (c * rows.length + y) * columns.length);
    }
  }
  return tile;
}

interface Mixture {
  readonly sum: Tensor;
  /** [h,w] */
  readonly weights: Float32Array;
}

function createMixture(
  channels: number,
  { height, width }: { height: number; width: number },
): Mixture {
  return {
    sum: tensor([1, channels, height, width]),
    weights: new Float32Array(height * width),
  };
}

function mix(
  { sum, weights }: Mixture,
  tile: Tensor,
  { top, left, feather }: { top: number; left: number; feather: number },
): void {
  const [, channels = 0, height = 0, width = 0] = sum.shape;
  const [, , rows = 0, columns = 0] = tile.shape;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const weight = share(y, rows, feather) * share(x, columns, feather);
      const at = (top + y) * width + left + x;
      weights[at] = (weights[at] ?? 0) + weight;
      for (let c = 0; c < channels; c++) {
        const to = c * height * width + at;
        const value = tile.data[(c * rows + y) * columns + x] ?? 0;
        sum.data[to] = (sum.data[to] ?? 0) + weight * value;
      }
    }
  }
}

/**
 * Rises from 1/feather at an edge to 1 inside, in tiles longer than that; edges of the whole picture fall off too, which the
 * division undoes.
 */
function share(position: number, length: number, feather: number): number {
  if (feather >= length) return 1;
  const ramp = (distance: number) => Math.min((distance + 1) / Math.max(feather, 1), 1);
  return ramp(position) * ramp(length - 1 - position);
}

function divided({ sum, weights }: Mixture): Tensor {
  const plane = weights.length;
  for (let i = 0; i < sum.data.length; i++) {
    sum.data[i] = (sum.data[i] ?? 0) / (weights[i % plane] ?? 1);
  }
  return sum;
}
