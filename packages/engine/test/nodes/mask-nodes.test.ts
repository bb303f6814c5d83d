import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filled } from "../../src/image/pointwise.ts";
import { type Tensor, tensor } from "../../src/tensor.ts";
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

const mask = (height: number, width: number, values: readonly number[]) =>
  tensor([1, height, width], Float32Array.from(values));

describe("GrowMask", () => {
  const dot = mask(
    5,
    5,
    Array.from({ length: 25 }, (_, i) => (i === 12 ? 1 : 0)),
  );

  test("tapered corners grow a diamond", async () => {
    const grown = await run("GrowMask", { mask: dot, expand: 2, tapered_corners: true });
    expect([...grown.data].filter((value) => value === 1)).toHaveLength(13);
    expect(grown.data[0]).toBe(0);
  });

  test("square corners grow a square, clipped at the edges", async () => {
    const grown = await run("GrowMask", { mask: dot, expand: 16384, tapered_corners: false });
    expect([...grown.data]).toEqual(Array(25).fill(1));
  });

  test("a negative number shrinks", async () => {
    const full = mask(3, 3, [1, 1, 1, 1, 1, 1, 1, 0, 1]);
    const shrunk = await run("GrowMask", { mask: full, expand: -1, tapered_corners: true });
    expect([...shrunk.data]).toEqual([1, 1, 1, 1, 0, 1, 0, 0, 0]);
  });

  test("each mask of a batch grows by itself", async () => {
    const two = tensor([2, 1, 3], Float32Array.from([1, 0, 0, 0, 0, 1]));
    const grown = await run("GrowMask", { mask: two, expand: 1, tapered_corners: true });
    expect([...grown.data]).toEqual([1, 1, 0, 0, 1, 1]);
  });
});

describe("MaskComposite", () => {
  const destination = mask(2, 2, [0.2, 0.8, 0.4, 0.6]);

  test.each([
    ["multiply", [0.2, 0.8, 0.4, 0.3]],
    ["add", [0.2, 0.8, 0.4, 1]],
    ["subtract", [0.2, 0.8, 0.4, 0.1]],
    // 0.5 rounds to the even 0.
    ["and", [0.2, 0.8, 0.4, 0]],
    ["or", [0.2, 0.8, 0.4, 1]],
    ["xor", [0.2, 0.8, 0.4, 1]],
  ])("%s changes only what the source covers", async (operation, expected) => {
    const source = mask(3, 3, Array(9).fill(0.5));
    const result = await run("MaskComposite", { destination, source, x: 1, y: 1, operation });
    expect([...result.data].map((value) => Math.round(value * 1e6) / 1e6)).toEqual(expected);
  });

  test("a source beyond the edges changes nothing", async () => {
    const far = { destination, source: destination, x: 9, y: 9, operation: "add" };
    expect((await run("MaskComposite", far)).data).toEqual(destination.data);
  });
});

test("FeatherMask fades from left and top line by line", async () => {
  const full = filled([1, 1, 4], 1);
  const faded = await run("FeatherMask", { mask: full, left: 3, top: 0, right: 0, bottom: 0 });
  expect([...faded.data]).toEqual([1 / 3, 2 / 3, 1, 1].map(Math.fround));
});

test("FeatherMask counts its lines from the right as 0, last, last but one", async () => {
  const full = filled([1, 1, 5], 1);
  const faded = await run("FeatherMask", { mask: full, left: 0, top: 0, right: 3, bottom: 0 });
  expect([...faded.data]).toEqual([1 / 3, 1, 1, 1, 2 / 3].map(Math.fround));
});

test("CropMask keeps what is inside and names a corner that is not", async () => {
  const full = mask(2, 3, [1, 2, 3, 4, 5, 6]);
  const cropped = await run("CropMask", { mask: full, x: 1, y: 1, width: 9, height: 9 });
  expect(cropped).toEqual(tensor([1, 1, 2], Float32Array.from([5, 6])));
  await expect(run("CropMask", { mask: full, x: 3, y: 0, width: 1, height: 1 })).rejects.toThrow(
    "the crop at (3, 0) lies outside of the mask, which is 3x2",
  );
});

test("ThresholdMask keeps what is above, not what is equal", async () => {
  const result = await run("ThresholdMask", { mask: mask(1, 3, [0.3, 0.31, 0.29]), value: 0.3 });
  expect([...result.data]).toEqual([0, 1, 0]);
});

test("ImageToMask takes one channel and says when it is missing", async () => {
  const image = tensor([1, 1, 1, 3], Float32Array.from([0.1, 0.2, 0.3]));
  expect([...(await run("ImageToMask", { image, channel: "blue" })).data]).toEqual([
    Math.fround(0.3),
  ]);
  await expect(run("ImageToMask", { image, channel: "alpha" })).rejects.toThrow(
    "the image has 3 channels and no alpha",
  );
});

test("ImageColorToMask finds exactly one colour", async () => {
  const image = tensor([1, 1, 2, 3], Float32Array.from([1, 0.5, 0, 1, 0.502, 0]));
  const result = await run("ImageColorToMask", { image, color: 0xff8000 });
  expect([...result.data]).toEqual([1, 1]);
  const other = await run("ImageColorToMask", { image, color: 0xff7f00 });
  expect([...other.data]).toEqual([0, 0]);
});

describe("alpha", () => {
  const rgba = tensor([1, 1, 2, 4], Float32Array.from([1, 0, 0, 1, 0, 1, 0, 0.25]));

  test("SplitImageWithAlpha gives colours and what is transparent", async () => {
    expect([...(await run("SplitImageWithAlpha", { image: rgba })).data]).toEqual([
      1, 0, 0, 0, 1, 0,
    ]);
    expect([...(await run("SplitImageWithAlpha", { image: rgba }, 1)).data]).toEqual([0, 0.75]);
  });

  test("an image without alpha is nowhere transparent", async () => {
    const image = filled([1, 1, 2, 3], 1);
    expect([...(await run("SplitImageWithAlpha", { image }, 1)).data]).toEqual([0, 0]);
  });

  test("JoinImageWithAlpha is the way back, the mask stretched to the image", async () => {
    const image = await run("SplitImageWithAlpha", { image: rgba });
    const alpha = await run("SplitImageWithAlpha", { image: rgba }, 1);
    expect((await run("JoinImageWithAlpha", { image, alpha })).data).toEqual(rgba.data);
    const stretched = await run("JoinImageWithAlpha", { image, alpha: filled([1, 9, 9], 1) });
    expect([...stretched.data]).toEqual([1, 0, 0, 0, 0, 1, 0, 0]);
  });
});

describe("PorterDuffImageComposite", () => {
  const source = filled([1, 1, 1, 1], 0.8);
  const destination = filled([1, 1, 1, 1], 0.4);
  const half = filled([1, 1, 1], 0.5);

  /** Both layers half transparent: premultiplied 0.4 and 0.2, alpha 0.5. */
  test.each([
    ["ADD", 0.6, 1],
    ["CLEAR", 0, 0],
    ["DARKEN", 0.5 / 0.75, 0.75],
    ["DST", 0.4, 0.5],
    ["DST_ATOP", 0.6, 0.5],
    ["DST_IN", 0.4, 0.25],
    ["DST_OUT", 0.4, 0.25],
    ["DST_OVER", 0.4 / 0.75, 0.75],
    ["LIGHTEN", 0.7 / 0.75, 0.75],
    ["MULTIPLY", 0.32, 0.25],
    ["OVERLAY", 0.16 / 0.75, 0.75],
    ["SCREEN", 0.52 / 0.75, 0.75],
    ["SRC", 0.8, 0.5],
    ["SRC_ATOP", 0.6, 0.5],
    ["SRC_IN", 0.8, 0.25],
    ["SRC_OUT", 0.8, 0.25],
    ["SRC_OVER", 0.5 / 0.75, 0.75],
    ["XOR", 0.6, 0.5],
  ])("%s", async (mode, color, alpha) => {
    const inputs = { source, source_alpha: half, destination, destination_alpha: half, mode };
    const outputs = await bench.call("PorterDuffImageComposite", inputs);
    const [image, mask] = [outputAt(outputs, 0), outputAt(outputs, 1)];
    if (!isTensor(image) || !isTensor(mask)) throw new Error("two tensors");
    expect(image.data[0]).toBeCloseTo(color, 6);
    expect(mask.data[0]).toBeCloseTo(1 - alpha, 6);
  });

  test("images of different channels are told apart", async () => {
    const rgb = filled([1, 1, 1, 3], 1);
    const inputs = { source: rgb, source_alpha: half, destination, destination_alpha: half };
    await expect(run("PorterDuffImageComposite", { ...inputs, mode: "SRC" })).rejects.toThrow(
      "source and destination need the same channels, got 3 and 1",
    );
  });
});
