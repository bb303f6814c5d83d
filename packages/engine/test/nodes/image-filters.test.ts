import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filled } from "../../src/image/pointwise.ts";
import { type Tensor, tensor } from "../../src/tensor.ts";
import { rounded } from "../support/latents.ts";
import { isTensor } from "../support/tensors.ts";
import { openWorkbench, outputAt, type Workbench } from "./evaluate.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench[Symbol.asyncDispose]());

async function run(name: string, inputs: Record<string, unknown>, slot = 0): Promise<Tensor> {
  const value = outputAt(await bench.call(name, inputs), slot);
  if (!isTensor(value)) throw new Error(`${name} returns no tensor at ${slot}`);
  return value;
}

/** One picture of one channel, so that values can be read off. */
const grey = (height: number, width: number, values: readonly number[]) =>
  tensor([1, height, width, 1], Float32Array.from(values));

describe("ImageBlend", () => {
  const blend = async (blend_mode: string, a: number, b: number, blend_factor = 1) => {
    const inputs = { image1: grey(1, 1, [a]), image2: grey(1, 1, [b]), blend_factor, blend_mode };
    return rounded(await run("ImageBlend", inputs))[0];
  };

  test.each([
    ["normal", 0.2, 0.6, 0.6],
    ["multiply", 0.2, 0.6, 0.12],
    ["screen", 0.2, 0.6, 0.68],
    ["overlay", 0.2, 0.6, 0.24],
    ["overlay", 0.8, 0.6, 0.84],
    ["soft_light", 0.5, 0.25, 0.375],
    ["soft_light", 0.25, 0.75, 0.375],
    ["soft_light", 0.64, 1, 0.8],
    ["difference", 0.6, 0.2, 0.4],
    ["difference", 0.2, 0.6, 0],
  ])("%s of %d and %d", async (mode, a, b, expected) => {
    expect(await blend(mode, a, b)).toBe(expected);
  });

  test("the factor mixes with the first picture", async () => {
    expect(await blend("normal", 0, 1, 0.3)).toBe(0.3);
  });
});

describe("blur and sharpen", () => {
  test("a blur spreads a point with the kernel's weights and keeps the sum", async () => {
    const point = grey(
      5,
      5,
      Array.from({ length: 25 }, (_, i) => (i === 12 ? 1 : 0)),
    );
    const blurred = await run("ImageBlur", { image: point, blur_radius: 1, sigma: 1 });
    const edge = Math.exp(-0.5);
    const total = (1 + 2 * edge) ** 2;
    expect(blurred.data[12]).toBeCloseTo(1 / total, 6);
    expect(blurred.data[11]).toBeCloseTo(edge / total, 6);
    expect(blurred.data[6]).toBeCloseTo(edge ** 2 / total, 6);
    expect(blurred.data.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
  });

  test("the border is mirrored, also where the picture is smaller than the kernel", async () => {
    const flat = await run("ImageBlur", {
      image: filled([1, 2, 3, 1], 0.5),
      blur_radius: 31,
      sigma: 1,
    });
    expect(rounded(flat)).toEqual(Array(6).fill(0.5));
  });

  test("sharpening is ten times alpha away from the blur, clipped", async () => {
    const step = grey(1, 4, [0.4, 0.4, 0.6, 0.6]);
    const sharpened = await run("ImageSharpen", {
      image: step,
      sharpen_radius: 1,
      sigma: 1,
      alpha: 0.1,
    });
    const blurred = await run("ImageBlur", { image: step, blur_radius: 1, sigma: 1 });
    const expected = [...step.data].map((value, i) => 2 * value - blurred.data[i]!);
    expect(rounded(sharpened)).toEqual(rounded(grey(1, 4, expected)));
    const hard = await run("ImageSharpen", { image: step, sharpen_radius: 1, sigma: 1, alpha: 5 });
    expect([hard.data[1], hard.data[2]]).toEqual([0, 1]);
  });
});

describe("Morphology", () => {
  const values = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4];
  const image = grey(4, 5, values);

  /** The definition, value by value. */
  function extreme(size: number, best: (...candidates: number[]) => number): number[] {
    const before = Math.floor(size / 2);
    return values.map((_, i) => {
      const inside = values.filter((_value, k) => {
        const dx = (k % 5) - (i % 5);
        const dy = Math.floor(k / 5) - Math.floor(i / 5);
        return Math.min(dx, dy) >= -before && Math.max(dx, dy) < size - before;
      });
      return best(...inside);
    });
  }

  test.each([3, 4, 5, 99])("erode and dilate with a square of %i", async (kernel_size) => {
    const inputs = { image, kernel_size };
    const eroded = await run("Morphology", { ...inputs, operation: "erode" });
    const dilated = await run("Morphology", { ...inputs, operation: "dilate" });
    expect([...eroded.data]).toEqual(extreme(kernel_size, Math.min));
    expect([...dilated.data]).toEqual(extreme(kernel_size, Math.max));
    const gradient = await run("Morphology", { ...inputs, operation: "gradient" });
    expect([...gradient.data]).toEqual(
      [...dilated.data].map((value, i) => value - eroded.data[i]!),
    );
  });

  test("opening removes a speck, closing fills a hole, the hats show them", async () => {
    const speck = grey(
      5,
      5,
      Array.from({ length: 25 }, (_, i) => (i === 12 ? 1 : 0)),
    );
    const hole = grey(
      5,
      5,
      Array.from({ length: 25 }, (_, i) => (i === 12 ? 0 : 1)),
    );
    const apply = (operation: string, image: Tensor) =>
      run("Morphology", { image, operation, kernel_size: 3 });
    expect([...(await apply("open", speck)).data]).toEqual(Array(25).fill(0));
    expect((await apply("top_hat", speck)).data).toEqual(speck.data);
    expect([...(await apply("close", hole)).data]).toEqual(Array(25).fill(1));
    expect((await apply("bottom_hat", hole)).data).toEqual(speck.data);
  });
});

/** A bright square with soft edges, so that each edge has one strongest line. */
function softSquare(size: number, from: number, to: number): Tensor {
  const along = (k: number) => (k < from || k > to ? 0 : k === from || k === to ? 0.5 : 1);
  return grey(
    size,
    size,
    Array.from({ length: size * size }, (_, i) =>
      Math.min(along(i % size), along(Math.floor(i / size))),
    ),
  );
}

test("Canny draws the outline of a square, one pixel wide, and nothing in a flat picture", async () => {
  const thresholds = { low_threshold: 0.4, high_threshold: 0.8 };
  const edges = await run("Canny", { image: softSquare(24, 5, 18), ...thresholds });
  expect(edges.shape).toEqual([1, 24, 24, 3]);
  const middleRow = Array.from({ length: 24 }, (_, x) => edges.data[(12 * 24 + x) * 3]);
  expect(middleRow.flatMap((value, x) => (value === 1 ? [x] : []))).toEqual([5, 18]);
  const flat = await run("Canny", { image: filled([1, 9, 9, 3], 0.7), ...thresholds });
  expect(flat.data.every((value) => value === 0)).toBe(true);
});

test("weak edges count only where they lead to a strong one", async () => {
  const upright = (strengthAt: (y: number) => number) =>
    grey(
      60,
      12,
      Array.from({ length: 720 }, (_, i) => {
        const strength = strengthAt(Math.floor(i / 12));
        return i % 12 < 6 ? 0 : i % 12 === 6 ? strength / 2 : strength;
      }),
    );
  const thresholds = { low_threshold: 0.1, high_threshold: 0.9 };
  const weak = await run("Canny", { image: upright(() => 0.2), ...thresholds });
  expect(weak.data.some((value) => value === 1)).toBe(false);
  const fading = await run("Canny", { image: upright((y) => 1 - y / 75), ...thresholds });
  const column = Array.from({ length: 60 }, (_, y) => fading.data[(y * 12 + 6) * 3]);
  expect(column.slice(2, 58)).toEqual(Array(56).fill(1));
});

describe("ImageAddNoise", () => {
  // torch.randn(5) after manual_seed(0): 1.5410, -0.2934, -2.1788, 0.5684, -1.0845
  test("adds torch's noise of that seed by its strength and clips", async () => {
    const image = grey(1, 5, [0.1, 0.5, 0.5, 0.9, 0.9]);
    const noisy = await run("ImageAddNoise", { image, seed: 0, strength: 0.1 });
    const expected = [0.2541, 0.47066, 0.28212, 0.95684, 0.79155];
    for (const [index, value] of expected.entries()) {
      expect(noisy.data[index]).toBeCloseTo(value, 4);
    }
    const clipped = await run("ImageAddNoise", { image, seed: 0, strength: 1 });
    expect([clipped.data[0], clipped.data[2]]).toEqual([1, 0]);
  });

  test("takes seeds of 64 bits", async () => {
    const image = grey(1, 2, [0.5, 0.5]);
    const seed = 2n ** 64n - 1n;
    const one = await run("ImageAddNoise", { image, seed, strength: 0.1 });
    const other = await run("ImageAddNoise", { image, seed, strength: 0.1 });
    expect(one.data).toEqual(other.data);
    expect(one.data).not.toEqual(image.data);
  });
});
