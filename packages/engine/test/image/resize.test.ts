/** Small cases whose results follow from the rule by hand. */
import { describe, expect, test } from "vitest";
import { resizeChannels, resizeImage, type UpscaleMethod } from "../../src/image/resize.ts";
import { tensor } from "../../src/tensor.ts";

const row = (...values: number[]) => tensor([1, 1, values.length], Float32Array.from(values));
const near = (values: Iterable<number>) => [...values].map((v) => Math.round(v * 1e5) / 1e5 || 0);

function stretch(values: number[], width: number, method: UpscaleMethod): number[] {
  return near(resizeChannels(row(...values), { width, height: 1, method }).data);
}

test.each<[UpscaleMethod, number[], number, number[]]>([
  ["nearest-exact", [0, 1, 2], 5, [0, 0, 1, 2, 2]],
  ["nearest-exact", [0, 1, 2, 3, 4], 2, [1, 3]],
  ["bilinear", [0, 1], 4, [0, 0.25, 0.75, 1]],
  ["bilinear", [0, 1, 2, 3], 2, [0.5, 2.5]],
  ["area", [0, 1, 2, 3], 2, [0.5, 2.5]],
  ["area", [0, 1, 2, 3, 4], 2, [1, 3]],
  ["area", [0, 1], 3, [0, 0.5, 1]],
  // Weights of A = -0.75 at 1/4: -0.10547, 0.87891, 0.26172, -0.03516.
  [
    "bicubic",
    [0, 0, 1, 0, 0],
    10,
    [0, -0.03516, -0.10547, 0.26172, 0.87891, 0.87891, 0.26172, -0.10547, -0.03516, 0],
  ],
])("%s makes %j to %i values", (method, values, width, expected) => {
  expect(stretch(values, width, method)).toEqual(expected);
});

test.each<UpscaleMethod>(["nearest-exact", "bilinear", "area", "bicubic", "lanczos", "bislerp"])(
  "%s at the same size is the picture itself",
  (method) => {
    const data = Float32Array.from({ length: 2 * 3 * 4 * 3 }, (_, i) => i / 255);
    const image = tensor([2, 3, 4, 3], data);
    expect(resizeImage(image, { width: 4, height: 3, method })).toEqual(image);
  },
);

test("a centre crop cuts the longer side to the new aspect, halves to the even", () => {
  const image = tensor([1, 1, 8, 1], Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7]));
  const cut = resizeImage(image, { width: 3, height: 1, method: "nearest-exact", crop: "center" });
  // (8 - 3) / 2 = 2.5 becomes 2, so four columns stay: 2, 3, 4, 5.
  expect([...cut.data]).toEqual([2, 4, 5]);
});

describe("bislerp", () => {
  /** Two positions with two channels. */
  const pair = (a: [number, number], b: [number, number]) =>
    tensor([1, 2, 1, 2], Float32Array.from([a[0], b[0], a[1], b[1]]));
  const turn = (a: [number, number], b: [number, number]) =>
    near(resizeChannels(pair(a, b), { width: 4, height: 1, method: "bislerp" }).data);

  test("turns between directions and mixes lengths", () => {
    const [c, s] = [Math.cos(Math.PI / 8), Math.sin(Math.PI / 8)];
    // A quarter of the way from length 1 to 3 is 1.5, three quarters 2.5.
    expect(turn([1, 0], [0, 3])).toEqual(near([1, 1.5 * c, 2.5 * s, 0, 0, 1.5 * s, 2.5 * c, 3]));
  });

  test("opposite directions are mixed plainly, equal ones kept", () => {
    expect(turn([1, 0], [-1, 0])).toEqual([1, 0.5, -0.5, -1, 0, 0, 0, 0]);
    expect(turn([1, 0], [3, 0])).toEqual([1, 1, 1, 3, 0, 0, 0, 0]);
  });

  test("zero vectors lend no direction", () => {
    expect(turn([0, 0], [0, 0])).toEqual(Array(8).fill(0));
  });
});

test("more channels than three are resized like any other", () => {
  const image = tensor([1, 1, 2, 5], Float32Array.from([0, 1, 2, 3, 4, 10, 11, 12, 13, 14]));
  const resized = resizeImage(image, { width: 1, height: 1, method: "area" });
  expect([...resized.data]).toEqual([5, 6, 7, 8, 9]);
});
