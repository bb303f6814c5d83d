import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filled } from "../../src/image/pointwise.ts";
import { type Latent, tensor } from "../../src/tensor.ts";
import { callForLatent, counted, rounded } from "../support/latents.ts";
import { openWorkbench, outputAt, type Workbench } from "./evaluate.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench[Symbol.asyncDispose]());

const run = (name: string, inputs: Record<string, unknown>, slot = 0) =>
  callForLatent(bench, name, inputs, slot);

describe("empty latents are zeros in their family's shape", () => {
  test.each([
    ["EmptyLatentImage", { width: 520, height: 64, batch_size: 2 }, [2, 4, 8, 65]],
    ["EmptySD3LatentImage", { width: 64, height: 32, batch_size: 1 }, [1, 16, 4, 8]],
    ["EmptyHunyuanImageLatent", { width: 64, height: 96, batch_size: 1 }, [1, 64, 3, 2]],
    ["EmptyChromaRadianceLatentImage", { width: 16, height: 32, batch_size: 1 }, [1, 3, 32, 16]],
    ["EmptyLatentHunyuan3Dv2", { resolution: 7, batch_size: 1 }, [1, 64, 7]],
    ["EmptyLatentAudio", { seconds: 47.6, batch_size: 1 }, [1, 64, 1024]],
    ["EmptyAceStepLatentAudio", { seconds: 1, batch_size: 1 }, [1, 8, 16, 10]],
    [
      "EmptyHunyuanLatentVideo",
      { width: 64, height: 32, length: 25, batch_size: 1 },
      [1, 16, 7, 4, 8],
    ],
    [
      "EmptyMochiLatentVideo",
      { width: 64, height: 32, length: 25, batch_size: 1 },
      [1, 12, 5, 4, 8],
    ],
    [
      "EmptyLTXVLatentVideo",
      { width: 64, height: 32, length: 97, batch_size: 1 },
      [1, 128, 13, 1, 2],
    ],
    [
      "EmptyCosmosLatentVideo",
      { width: 64, height: 32, length: 121, batch_size: 1 },
      [1, 16, 16, 4, 8],
    ],
  ])("%s", async (name, inputs, shape) => {
    const { samples } = await run(name, inputs);
    expect(samples.shape).toEqual(shape);
    expect(samples.data.every((value) => value === 0)).toBe(true);
  });

  test("Stable Cascade has one for each stage", async () => {
    const inputs = { width: 1024, height: 512, compression: 42, batch_size: 1 };
    const name = "StableCascade_EmptyLatentImage";
    expect((await run(name, inputs)).samples.shape).toEqual([1, 16, 12, 24]);
    expect((await run(name, inputs, 1)).samples.shape).toEqual([1, 4, 128, 256]);
  });
});

describe("LatentUpscale", () => {
  const samples = { samples: counted(1, 4, 8, 16) };
  const method = { upscale_method: "nearest-exact", crop: "disabled" };

  test.each([
    [128, 64, [8, 16]],
    [0, 128, [16, 32]],
    [256, 0, [16, 32]],
    [8, 8, [8, 8]],
  ])("to %ix%i pixels", async (width, height, size) => {
    const scaled = await run("LatentUpscale", { samples, ...method, width, height });
    expect(scaled.samples.shape).toEqual([1, 4, ...size]);
  });

  test("two zeros leave it alone, and what else the latent carries stays", async () => {
    const masked = { ...samples, noiseMask: filled([1, 8, 8], 1) };
    expect(await run("LatentUpscale", { samples: masked, ...method, width: 0, height: 0 })).toBe(
      masked,
    );
    const scaled = await run("LatentUpscale", {
      samples: masked,
      ...method,
      width: 64,
      height: 64,
    });
    expect(scaled.noiseMask).toBe(masked.noiseMask);
  });

  test("LatentUpscaleBy rounds the new size", async () => {
    const inputs = { samples, upscale_method: "bilinear", scale_by: 1.3 };
    expect((await run("LatentUpscaleBy", inputs)).samples.shape).toEqual([1, 4, 10, 21]);
  });
});

test("LatentRotate turns clockwise and LatentFlip mirrors", async () => {
  const samples = { samples: counted(1, 1, 2, 3) };
  const turned = await run("LatentRotate", { samples, rotation: "90 degrees" });
  expect(turned.samples).toEqual(tensor([1, 1, 3, 2], Float32Array.from([3, 0, 4, 1, 5, 2])));
  const back = await run("LatentRotate", { samples: turned, rotation: "270 degrees" });
  expect(back.samples.data).toEqual(samples.samples.data);
  const half = await run("LatentRotate", { samples, rotation: "180 degrees" });
  expect([...half.samples.data]).toEqual([5, 4, 3, 2, 1, 0]);
  const rows = await run("LatentFlip", { samples, flip_method: "x-axis: vertically" });
  expect([...rows.samples.data]).toEqual([3, 4, 5, 0, 1, 2]);
  const columns = await run("LatentFlip", { samples, flip_method: "y-axis: horizontally" });
  expect([...columns.samples.data]).toEqual([2, 1, 0, 5, 4, 3]);
});

test("LatentCrop counts in pixels and keeps eight columns", async () => {
  const samples = { samples: counted(1, 1, 10, 12) };
  const cut = await run("LatentCrop", { samples, width: 64, height: 64, x: 400, y: 8 });
  expect(cut.samples.shape).toEqual([1, 1, 8, 8]);
  expect(cut.samples.data[0]).toBe(12 + 4);
});

describe("LatentComposite", () => {
  const inputs = { samples_to: { samples: filled([1, 1, 4, 4], 0) }, x: 8, y: 0 };

  test("without a feather the source covers, cut at the edges", async () => {
    const samples_from = { samples: filled([1, 1, 3, 9], 1) };
    const result = await run("LatentComposite", { ...inputs, samples_from, feather: 0 });
    expect([...result.samples.data]).toEqual([0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0]);
  });

  test("the feather fades edges that lie inside", async () => {
    const samples_from = { samples: filled([1, 1, 2, 2], 1) };
    const result = await run("LatentComposite", { ...inputs, samples_from, feather: 16 });
    // Left and right fade over two values, the bottom too; the top is the picture's own edge.
    expect(rounded(result.samples).slice(0, 8)).toEqual([0, 0.5, 0.5, 0, 0, 0.25, 0.25, 0]);
  });
});

test("LatentCompositeMasked mixes by the mask, in steps of 8 pixels", async () => {
  const result = await run("LatentCompositeMasked", {
    destination: { samples: filled([2, 1, 2, 2], 0) },
    source: { samples: filled([1, 1, 1, 1], 1) },
    x: 8,
    y: 15,
    resize_source: false,
    mask: filled([1, 5, 5], 0.25),
  });
  expect([...result.samples.data]).toEqual([0, 0, 0, 0.25, 0, 0, 0, 0.25]);
});

describe("arithmetic", () => {
  const a = { samples: counted(1, 1, 2, 2), batchIndex: [3] };
  const b = { samples: filled([2, 1, 4, 4], 2) };

  test("the second latent is fitted to the first", async () => {
    const sum = await run("LatentAdd", { samples1: a, samples2: b });
    expect(sum).toEqual({
      samples: tensor([1, 1, 2, 2], Float32Array.from([2, 3, 4, 5])),
      batchIndex: [3],
    });
    const difference = await run("LatentSubtract", { samples1: a, samples2: b });
    expect([...difference.samples.data]).toEqual([-2, -1, 0, 1]);
  });

  test("LatentMultiply and LatentBlend scale and mix", async () => {
    const tripled = await run("LatentMultiply", { samples: a, multiplier: 3 });
    expect([...tripled.samples.data]).toEqual([0, 3, 6, 9]);
    const blended = await run("LatentBlend", { samples1: a, samples2: b, blend_factor: 0.75 });
    expect(rounded(blended.samples).slice(0, 4)).toEqual([0.5, 1.25, 2, 2.75]);
  });

  test("LatentInterpolate mixes directions and lengths apart", async () => {
    const samples1 = { samples: tensor([1, 2, 1, 2], Float32Array.from([2, 0, 0, 0])) };
    const samples2 = { samples: tensor([1, 2, 1, 2], Float32Array.from([0, 0, 4, 0])) };
    const mixed = await run("LatentInterpolate", { samples1, samples2, ratio: 0.5 });
    const side = Math.round((3 / Math.SQRT2) * 1e5) / 1e5;
    expect(rounded(mixed.samples)).toEqual([side, 0, side, 0]);
  });
});

describe("LatentConcat and LatentCut", () => {
  const samples1 = { samples: counted(1, 2, 1, 2) };
  const samples2 = { samples: filled([1, 2, 1, 1], 9) };

  test.each([
    ["x", [1, 2, 1, 3], [0, 1, 9, 2, 3, 9]],
    ["-x", [1, 2, 1, 3], [9, 0, 1, 9, 2, 3]],
  ])("join along %s", async (dim, shape, values) => {
    const joined = await run("LatentConcat", { samples1, samples2, dim });
    expect(joined.samples).toEqual(tensor(shape, Float32Array.from(values)));
  });

  test("other sizes must agree", async () => {
    await expect(run("LatentConcat", { samples1, samples2, dim: "y" })).rejects.toThrow(
      "cannot join [1,2,1,2] and [1,2,1,1] along axis 2: the other sizes differ",
    );
  });

  test.each([
    [1, 5, [1, 3]],
    [-2, 1, [0, 2]],
    [99, 1, [1, 3]],
  ])("cut from %i on, %i", async (index, amount, values) => {
    const cut = await run("LatentCut", { samples: samples1, dim: "x", index, amount });
    expect([...cut.samples.data]).toEqual(values);
  });

  test("videos are cut along their time", async () => {
    const video = { samples: counted(1, 1, 3, 1, 1) };
    const cut = await run("LatentCut", { samples: video, dim: "t", index: 1, amount: 1 });
    expect(cut.samples).toEqual(tensor([1, 1, 1, 1, 1], Float32Array.from([1])));
    const trimmed = await run("TrimVideoLatent", { samples: video, trim_amount: 2 });
    expect(trimmed.samples).toEqual(tensor([1, 1, 1, 1, 1], Float32Array.from([2])));
    await expect(run("TrimVideoLatent", { samples: video, trim_amount: 3 })).rejects.toThrow(
      "trim_amount 3 leaves nothing of 3 latent frames",
    );
  });
});

describe("operations", () => {
  const samples = { samples: tensor([1, 2, 1, 3], Float32Array.from([3, 0.6, 0, 4, 0.8, 0])) };

  async function apply(name: string, options: Record<string, unknown>): Promise<Latent> {
    const operation = outputAt(await bench.call(name, options), 0);
    return run("LatentApplyOperation", { samples, operation });
  }

  test("Reinhard's tone mapping shortens vectors and keeps their directions", async () => {
    const { samples: mapped } = await apply("LatentOperationTonemapReinhard", { multiplier: 1 });
    // Lengths 5, 1, 0: mean 2, standard deviation 2.64575, white at 15.22876.
    const white = 2 + 5 * Math.sqrt(7);
    const shortened = (length: number) => ((length / white) * white) / (1 + length / white);
    expect(rounded(mapped)).toEqual(
      [0.6 * shortened(5), 0.6 * shortened(1), 0, 0.8 * shortened(5), 0.8 * shortened(1), 0].map(
        (value) => Math.round(value * 1e5) / 1e5,
      ),
    );
  });

  test("sharpening leaves a flat latent as it is", async () => {
    const flat = { samples: filled([1, 2, 5, 5], 2) };
    const options = { sharpen_radius: 2, sigma: 1, alpha: 0.5 };
    const operation = outputAt(await bench.call("LatentOperationSharpen", options), 0);
    const sharp = await run("LatentApplyOperation", { samples: flat, operation });
    expect(rounded(sharp.samples)).toEqual(Array(50).fill(2));
  });
});
