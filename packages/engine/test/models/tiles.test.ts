import { expect, test } from "vitest";
import { inTiles, tileSpans } from "../../src/models/tiles.ts";
import { type Tensor, tensor } from "../../src/tensor.ts";
import { drawn, relativeError } from "../support/random-checkpoint.ts";

test.each([
  [10, 10, 2, ["0+10"]],
  [11, 10, 2, ["0+10", "8+3"]],
  [20, 8, 2, ["0+8", "6+8", "12+8"]],
  [21, 8, 2, ["0+8", "6+8", "12+8", "18+3"]],
  [9, 4, 0, ["0+4", "4+4", "8+1"]],
])("%i pixels are covered by tiles of %i that share %i", (length, size, overlap, spans) => {
  expect(tileSpans(length, size, overlap).map((span) => `${span.start}+${span.length}`)).toEqual(
    spans,
  );
});

/** [1,C,h,w], each value repeated twice both ways. */
async function twice({ shape, data }: Tensor): Promise<Tensor> {
  const [, channels = 0, height = 0, width = 0] = shape;
  const large = tensor([1, channels, 2 * height, 2 * width]);
  for (let i = 0; i < large.data.length; i++) {
    const x = i % (2 * width);
    const row = Math.floor(i / (2 * width));
    large.data[i] = data[Math.floor(row / 2) * width + Math.floor(x / 2)] ?? 0;
  }
  return large;
}

test("work that looks at one place only gives the same in tiles, whatever their size", async () => {
  const x = drawn("x", 1, 3, 13, 17);
  const whole = await twice(x);
  for (const [size, overlap] of [
    [4, 1],
    [5, 0],
    [8, 3],
    [16, 8],
    [64, 8],
  ] as const) {
    const tiled = await inTiles(x, twice, { size, overlap, scale: 2 });
    expect(relativeError(tiled, whole)).toBeLessThan(1e-6);
  }
});

test("tiles are told as they are done, and an abort ends between two of them", async () => {
  const told: number[][] = [];
  const stop = new AbortController();
  const onTile = (done: number, tiles: number) => {
    told.push([done, tiles]);
    if (done === 2) stop.abort(new Error("enough"));
  };
  const x = drawn("x", 1, 1, 8, 8);
  const options = { size: 4, overlap: 0, scale: 2, signal: stop.signal, onTile };
  await expect(inTiles(x, twice, options)).rejects.toThrow("enough");
  expect(told).toEqual([
    [1, 4],
    [2, 4],
  ]);
});
