/** Small random upscale models against PyTorch, within 1e-5 of the largest value; ../fixtures/models/make-upscalers.py made the numbers. */
import { expect, test } from "vitest";
import { loadUpscaleModel } from "../../src/models/upscale-model.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { tensor } from "../../src/tensor.ts";
import {
  checkpointBytes,
  drawn,
  type Layout,
  openFolder,
  readReference,
  relativeError,
} from "../support/random-checkpoint.ts";

const TOLERANCE = 1e-5;
const { layoutOf, expected } = readReference("upscalers.json");

function picture() {
  const { shape, data } = drawn("picture", 1, 3, 7, 9);
  return tensor(
    shape,
    data.map((value) => (value + 1) / 2),
  );
}

/** A file of this kind's weights under other names. */
async function load(layout: Layout, rename: (key: string) => string = (key) => key) {
  const folder = await openFolder();
  const runtime = createRuntime();
  const named = Object.fromEntries(
    Object.entries(layout).map(([key, shape]) => [rename(key), shape]),
  );
  const weights = new Map(
    Object.entries(layout).map(([key, shape]) => [rename(key), weightsOf({ [key]: shape })]),
  );
  const file = await folder.write("up.safetensors", checkpointBytes(named, { weights }));
  return {
    model: await loadUpscaleModel(runtime, file),
    async [Symbol.asyncDispose]() {
      await runtime[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The values that `checkpointBytes` draws for a key. */
function weightsOf(layout: Layout): Float32Array {
  const bytes = checkpointBytes(layout);
  const body = bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
  return new Float32Array(Uint8Array.from(body).buffer);
}

test.each([
  ["x1", 1],
  ["x2", 2],
  ["x4", 4],
  ["x8", 8],
  ["plus", 4],
  ["unshuffle2", 2],
  ["unshuffle4", 1],
  ["compact", 3],
])("the %s form enlarges %i times as PyTorch does", async (kind, scale) => {
  await using loaded = await load(layoutOf(kind));
  expect(loaded.model.scale).toBe(scale);
  const enlarged = await loaded.model.enlarge(picture());
  expect(relativeError(enlarged, expected(kind, "enlarged"))).toBeLessThan(TOLERANCE);
});

const firstForm = (ups: number) => (key: string) =>
  key
    .replace("conv_first.", "model.0.")
    .replace(/^body\.(\d+)\.rdb(\d)\.(conv\d)\./, "model.1.sub.$1.RDB$2.$3.0.")
    .replace("conv_body.", "model.1.sub.2.")
    .replace(/conv_up(\d)\./, (_, up: string) => `model.${3 * Number(up)}.`)
    .replace("conv_hr.", `model.${3 * ups + 2}.`)
    .replace("conv_last.", `model.${3 * ups + 4}.`);

const bsrgan = (key: string) =>
  key
    .replace(/^body\.(\d+)\.rdb(\d)\./, "RRDB_trunk.$1.RDB$2.")
    .replace("conv_body.", "trunk_conv.")
    .replace("conv_up", "upconv")
    .replace("conv_hr.", "HRconv.");

test.each([
  ["ESRGAN's first form", "x4", firstForm(2)],
  ["ESRGAN's first form of eight times", "x8", firstForm(3)],
  ["ESRGAN's first form of one time", "x1", firstForm(0)],
  ["BSRGAN's names", "x4", bsrgan],
  ["a training program's wrapping", "x2", (key: string) => `params_ema.${key}`],
  ["a wrapped compact network", "compact", (key: string) => `params.${key}`],
])("%s is read as the same network", async (_, kind, rename) => {
  await using loaded = await load(layoutOf(kind), rename);
  const enlarged = await loaded.model.enlarge(picture());
  expect(relativeError(enlarged, expected(kind, "enlarged"))).toBeLessThan(TOLERANCE);
});

test("a file of another network says what it seems to be", async () => {
  await expect(load({ "decoder.conv_in.weight": [4, 4, 3, 3] })).rejects.toThrow(
    /an upscale model of the ESRGAN family is not in it; its 1 tensors .* look like a VAE/,
  );
});

test("a network for grey pictures is refused, and a missing block is named", async () => {
  const grey = {
    ...layoutOf("x1"),
    "conv_first.weight": [8, 1, 3, 3],
    "conv_last.weight": [1, 8, 3, 3],
  };
  await expect(load(grey)).rejects.toThrow(/takes pictures of 1 channels/);
  const { "conv_hr.weight": _, ...cut } = layoutOf("x4");
  await expect(load(cut)).rejects.toThrow(/lacks the tensor "conv_hr.weight"/);
  const gap = Object.fromEntries(
    Object.entries(layoutOf("x4")).map(([key, shape]) => [
      key.replace("body.1.", "body.2."),
      shape,
    ]),
  );
  await expect(load(gap)).rejects.toThrow(/lacks all tensors of "body.1"/);
});

test("weights that are not numbers are told when they show", async () => {
  await using folder = await openFolder();
  await using runtime = createRuntime();
  const weights = new Map([["conv_last.bias", Float32Array.of(Number.NaN, 0, 0)]]);
  const file = await folder.write("nan.safetensors", checkpointBytes(layoutOf("x1"), { weights }));
  const model = await loadUpscaleModel(runtime, file);
  await expect(model.enlarge(picture())).rejects.toThrow(
    /the upscale model of "nan.safetensors" put out NaN/,
  );
});
