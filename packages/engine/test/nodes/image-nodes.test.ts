import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filled } from "../../src/image/pointwise.ts";
import { type Tensor, tensor } from "../../src/tensor.ts";
import { counted, rounded } from "../support/latents.ts";
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

test("ImageInvert gives the negative and leaves its input alone", async () => {
  const image = filled([1, 1, 1, 3], 0.25);
  expect([...(await run("ImageInvert", { image })).data]).toEqual([0.75, 0.75, 0.75]);
  expect([...image.data]).toEqual([0.25, 0.25, 0.25]);
});

describe("ImageScale", () => {
  const image = filled([1, 20, 30, 3], 0.5);
  const options = { image, upscale_method: "nearest-exact", crop: "disabled" };

  test.each([
    [0, 10, [1, 10, 15, 3]],
    [15, 0, [1, 10, 15, 3]],
    [7, 9, [1, 9, 7, 3]],
    [0, 0, [1, 20, 30, 3]],
  ])("%i x %i", async (width, height, shape) => {
    expect((await run("ImageScale", { ...options, width, height })).shape).toEqual(shape);
  });

  test("ImageScaleBy rounds the sides", async () => {
    const inputs = { image, upscale_method: "area", scale_by: 0.33 };
    expect((await run("ImageScaleBy", inputs)).shape).toEqual([1, 7, 10, 3]);
  });

  test("a size of nothing is refused", async () => {
    const inputs = { image, upscale_method: "area", scale_by: 0.01 };
    await expect(run("ImageScaleBy", inputs)).rejects.toThrow("cannot be resized to 0x0");
  });

  test("ImageScaleToTotalPixels keeps the aspect", async () => {
    const inputs = { image, upscale_method: "nearest-exact", megapixels: 0.01 };
    expect((await run("ImageScaleToTotalPixels", inputs)).shape).toEqual([1, 84, 125, 3]);
  });

  test("ImageScaleToMaxDimension sets the longer side", async () => {
    const inputs = { upscale_method: "area", largest_size: 15 };
    expect((await run("ImageScaleToMaxDimension", { image, ...inputs })).shape).toEqual([
      1, 10, 15, 3,
    ]);
    const tall = filled([1, 30, 20, 3], 0);
    expect((await run("ImageScaleToMaxDimension", { image: tall, ...inputs })).shape).toEqual([
      1, 15, 10, 3,
    ]);
  });

  test("FluxKontextImageScale takes the nearest of the trained sizes", async () => {
    const sizeOf = async (height: number, width: number) => {
      const image = filled([1, height, width, 3], 0);
      return (await run("FluxKontextImageScale", { image })).shape;
    };
    expect(await sizeOf(10, 10)).toEqual([1, 1024, 1024, 3]);
    expect(await sizeOf(10, 100)).toEqual([1, 672, 1568, 3]);
    expect(await sizeOf(16, 9)).toEqual([1, 1392, 752, 3]);
  });

  test("ResizeAndPadImage centres the whole picture", async () => {
    const inputs = { target_width: 4, target_height: 4, interpolation: "nearest-exact" };
    const wide = filled([1, 1, 2, 1], 0.5);
    const padded = await run("ResizeAndPadImage", {
      image: wide,
      ...inputs,
      padding_color: "black",
    });
    expect([...padded.data]).toEqual([
      0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0,
    ]);
    const white = await run("ResizeAndPadImage", {
      image: wide,
      ...inputs,
      padding_color: "white",
    });
    expect(white.data[0]).toBe(1);
  });
});

describe("batches", () => {
  const three = counted(3, 1, 1, 1);

  test("ImageBatch fits the second picture and makes up missing alpha", async () => {
    const image1 = filled([1, 2, 2, 4], 0.5);
    const image2 = filled([1, 4, 4, 3], 0.25);
    const joined = await run("ImageBatch", { image1, image2 });
    expect(joined.shape).toEqual([2, 2, 2, 4]);
    expect([...joined.data.subarray(16, 20)]).toEqual([0.25, 0.25, 0.25, 1]);
  });

  test("RepeatImageBatch repeats the whole batch", async () => {
    expect([...(await run("RepeatImageBatch", { image: three, amount: 2 })).data]).toEqual([
      0, 1, 2, 0, 1, 2,
    ]);
  });

  test.each([
    [1, 1, [1]],
    [1, 99, [1, 2]],
    [99, 1, [2]],
  ])("ImageFromBatch from %i, %i", async (batch_index, length, values) => {
    expect([...(await run("ImageFromBatch", { image: three, batch_index, length })).data]).toEqual(
      values,
    );
  });

  test("RebatchImages cuts all batches together anew", async () => {
    const lists = { images: [three, counted(2, 1, 1, 1)], batch_size: [2] };
    const batches = outputAt(await bench.callWithLists("RebatchImages", lists), 0);
    if (!Array.isArray(batches)) throw new Error("a list");
    expect(batches.filter(isTensor).map(({ data }) => [...data])).toEqual([[0, 1], [2, 0], [1]]);
  });

  test("RebatchImages says which sizes do not go together", async () => {
    const lists = { images: [three, counted(1, 2, 2, 1)], batch_size: [4] };
    await expect(bench.callWithLists("RebatchImages", lists)).rejects.toThrow(
      "cannot batch a tensor of shape [1,2,2,1] with ones of [*,1,1,1]",
    );
  });

  test("GetImageSize tells width, height and batch, and shows them", async () => {
    const lines: string[] = [];
    const sendText = (text: string) => lines.push(text);
    const image = filled([3, 4, 5, 3], 0);
    expect(await bench.call("GetImageSize", { image }, { sendText })).toEqual([5, 4, 3]);
    expect(lines).toEqual(["width: 5, height: 4\n batch size: 3"]);
  });
});

describe("ImageStitch", () => {
  const image1 = filled([1, 2, 1, 1], 0.2);
  const options = { image1, direction: "right", match_image_size: true, spacing_color: "white" };
  const spacing = { ...options, spacing_width: 1 };

  test("one picture alone stays as it is", async () => {
    expect(await run("ImageStitch", spacing)).toBe(image1);
  });

  test("an odd bar is made even", async () => {
    const stitched = await run("ImageStitch", { ...spacing, image2: image1 });
    expect(rounded(stitched)).toEqual([0.2, 1, 1, 0.2, 0.2, 1, 1, 0.2]);
  });

  test.each([
    ["right", [1, 2, 3, 1], 0.2, 1],
    ["left", [1, 2, 3, 1], 1, 0.2],
    ["down", [1, 3, 1, 1], 0.2, 1],
    ["up", [1, 3, 1, 1], 1, 0.2],
  ])("%s, the second picture scaled to fit", async (direction, shape, first, last) => {
    const image2 = filled([1, 4, 4, 1], 1);
    const stitched = await run("ImageStitch", { ...options, spacing_width: 0, direction, image2 });
    expect(stitched.shape).toEqual(shape);
    const values = rounded(stitched);
    expect([values[0], values.at(-1)]).toEqual([first, last]);
  });

  test("without matching, the smaller picture is centred in the bar's colour", async () => {
    const image2 = filled([1, 4, 1, 1], 0.5);
    const stitched = await run("ImageStitch", {
      ...options,
      spacing_width: 0,
      match_image_size: false,
      image2,
    });
    expect(rounded(stitched)).toEqual([1, 0.5, 0.2, 0.5, 0.2, 0.5, 1, 0.5]);
  });

  test("the shorter batch repeats its last picture", async () => {
    const image2 = counted(3, 2, 1, 1);
    const stitched = await run("ImageStitch", { ...options, spacing_width: 0, image2 });
    expect(stitched.shape).toEqual([3, 2, 2, 1]);
    expect(rounded(stitched)[8]).toBe(0.2);
  });
});

test("ImageCrop moves its corner inside", async () => {
  const image = counted(1, 3, 4, 1);
  const cropped = await run("ImageCrop", { image, x: 99, y: 1, width: 2, height: 9 });
  expect(cropped).toEqual(grey(2, 1, [7, 11]));
});

test("ImagePadForOutpaint fades into the picture from padded sides only", async () => {
  const inputs = { image: filled([1, 5, 5, 1], 1), top: 0, right: 0, bottom: 0, feathering: 2 };
  const mask = await run("ImagePadForOutpaint", { ...inputs, left: 8 }, 1);
  expect(mask.shape).toEqual([1, 5, 13]);
  expect([...mask.data.subarray(0, 13)]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 0.25, 0, 0, 0]);
  const image = await run("ImagePadForOutpaint", { ...inputs, left: 8 });
  expect(image.data[0]).toBe(0.5);
  const narrow = await run("ImagePadForOutpaint", { ...inputs, left: 8, feathering: 3 }, 1);
  expect([...narrow.data.subarray(8, 13)]).toEqual([0, 0, 0, 0, 0]);
});

test("YUV and back is the picture itself, within the rounded factors", async () => {
  const image = tensor([1, 1, 2, 3], Float32Array.from([0.2, 0.5, 0.9, 1, 0, 0.3]));
  const [Y, U, V] = await Promise.all(
    [0, 1, 2].map((slot) => run("ImageRGBToYUV", { image }, slot)),
  );
  expect(Y?.data[0]).toBeCloseTo(0.299 * 0.2 + 0.587 * 0.5 + 0.114 * 0.9, 6);
  expect(Y?.data[2]).toBe(Y?.data[0] ?? Number.NaN);
  const back = await run("ImageYUVToRGB", { Y, U, V });
  for (const [i, value] of back.data.entries()) expect(value).toBeCloseTo(image.data[i]!, 2);
});

test("ImageCompositeMasked cuts what hangs over and mixes by the mask", async () => {
  const inputs = {
    destination: filled([1, 2, 2, 3], 0),
    source: filled([1, 2, 2, 4], 1),
    x: 1,
    y: 1,
    resize_source: false,
  };
  const covered = await run("ImageCompositeMasked", inputs);
  expect([...covered.data]).toEqual([...Array(9).fill(0), 1, 1, 1]);
  const half = await run("ImageCompositeMasked", { ...inputs, mask: filled([1, 7, 7], 0.5) });
  expect([...half.data.subarray(9)]).toEqual([0.5, 0.5, 0.5]);
});
