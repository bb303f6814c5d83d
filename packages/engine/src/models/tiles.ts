import { type Tensor, tensor } from "../tensor.ts";

export interface TileOptions {
  /** Of a tile, in the source's pixels. */
  readonly size: number;
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
  const places = tileStarts(height, size, overlap).flatMap((top) =>
    tileStarts(width, size, overlap).map((left) => ({ top, left })),
  );
  let mixed: Mixture | undefined;
  for (const [index, { top, left }] of places.entries()) {
    signal?.throwIfAborted();
    const tile = await work(cut(x, { top, left, size }));
    mixed ??= createMixture(tile.shape[1] ?? 0, { height: height * scale, width: width * scale });
    mix(mixed, tile, { top: top * scale, left: left * scale, feather: overlap * scale });
    onTile?.(index + 1, places.length);
  }
  if (mixed === undefined) throw new RangeError(`a map of ${height} x ${width} has no tiles`);
  return divided(mixed);
}

/** Tiles from 0 on, the last one moved back to end at the border. */
export function tileStarts(length: number, size: number, overlap: number): number[] {
  if (length <= size) return [0];
  const step = Math.max(size - overlap, 1);
  const starts: number[] = [];
  for (let start = 0; start + size < length; start += step) starts.push(start);
  return [...starts, length - size];
}

function cut(x: Tensor, { top, left, size }: { top: number; left: number; size: number }): Tensor {
  const [, channels = 0, height = 0, width = 0] = x.shape;
  const rows = Math.min(size, height);
  const columns = Math.min(size, width);
  const tile = tensor([1, channels, rows, columns]);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < rows; y++) {
      const from = (c * height + top + y) * width + left;
      tile.data.set(x.data.subarray(from, from + columns), (c * rows + y) * columns);
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

/** Rises from 1/feather at an edge to 1 inside; edges of the whole picture fall off too, which the division undoes. */
function share(position: number, length: number, feather: number): number {
  const fromEdge = Math.min(position, length - 1 - position) + 1;
  return Math.min(fromEdge / Math.max(feather, 1), 1);
}

function divided({ sum, weights }: Mixture): Tensor {
  const plane = weights.length;
  for (let i = 0; i < sum.data.length; i++) {
    sum.data[i] = (sum.data[i] ?? 0) / (weights[i % plane] ?? 1);
  }
  return sum;
}
