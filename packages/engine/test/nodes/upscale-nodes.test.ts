/** Upscale models from PyTorch's files to the enlarged picture, by the nodes. ../fixtures/models/make-upscalers.py made the numbers. */
import { expect, test } from "vitest";
import { channelsFirst, channelsLast } from "../../src/models/layout.ts";
import { coreNodes } from "../../src/nodes/core-nodes.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { type Tensor, tensor } from "../../src/tensor.ts";
import { drawn, openFolder, readReference, relativeError } from "../support/random-checkpoint.ts";
import { isTensor } from "../support/tensors.ts";
import { torchBytes } from "../support/torch-bytes.ts";
import { openWorkbench, outputAt } from "./evaluate.ts";

const { layoutOf, expected } = readReference("upscalers.json");

async function openUpscaler(kind: string, wrapping: string | null, memoryBytes?: number) {
  const folder = await openFolder();
  const runtime = createRuntime({ memoryBytes });
  const bench = await openWorkbench(coreNodes({ runtime }));
  const file = await folder.write("up.pth", torchBytes(layoutOf(kind), { wrapping }));
  const models = { list: () => [], path: () => file };
  const loaded = await bench.call("UpscaleModelLoader", { model_name: "up.pth" }, { models });
  const steps: string[] = [];
  return {
    steps,
    async enlarge(image: Tensor): Promise<Tensor> {
      const outputs = await bench.call(
        "ImageUpscaleWithModel",
        { upscale_model: outputAt(loaded, 0), image },
        { progress: (value, max) => steps.push(`${value}/${max}`) },
      );
      const enlarged = outputAt(outputs, 0);
      if (!isTensor(enlarged)) throw new Error("there is no picture");
      return enlarged;
    },
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      await runtime[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const clamped = (value: number) => Math.min(Math.max(value, 0), 1);
const picture = channelsLast(drawn("picture", 1, 3, 7, 9), (value) => (value + 1) / 2);

test.each([
  ["plus", "params_ema"],
  ["unshuffle2", "params"],
  ["compact", "params"],
  ["x4", null],
])(
  "a .pth of the %s form, wrapped in %s, enlarges as PyTorch does, cut to 0..1",
  async (kind, wrapping) => {
    await using upscaler = await openUpscaler(kind, wrapping);
    const enlarged = channelsFirst(await upscaler.enlarge(picture), (value) => value);
    const { shape, data } = expected(kind, "enlarged");
    expect(relativeError(enlarged, tensor(shape, data.map(clamped)))).toBeLessThan(1e-5);
    expect(upscaler.steps).toEqual(["1/1"]);
  },
);

test("pictures of a batch are enlarged one by one", async () => {
  await using upscaler = await openUpscaler("x2", "params");
  const both = tensor([2, 7, 9, 3], Float32Array.from([...picture.data, ...picture.data]));
  const { shape, data } = await upscaler.enlarge(both);
  expect(shape).toEqual([2, 14, 18, 3]);
  const half = data.length / 2;
  expect(data.slice(half)).toEqual(data.slice(0, half));
  expect(upscaler.steps).toEqual(["1/2", "2/2"]);
});

test("a picture too large for the memory is enlarged in smaller tiles", async () => {
  await using upscaler = await openUpscaler("x4", "params", 15e6);
  const { shape } = await upscaler.enlarge(tensor([1, 40, 300, 3]));
  expect(shape).toEqual([1, 160, 1200, 3]);
  expect(upscaler.steps.at(-1)).toBe("3/3");
});

test("a picture with transparency is refused", async () => {
  await using upscaler = await openUpscaler("x2", "params");
  await expect(upscaler.enlarge(tensor([1, 8, 8, 4]))).rejects.toThrow(/3 channels, got one of 4/);
});
