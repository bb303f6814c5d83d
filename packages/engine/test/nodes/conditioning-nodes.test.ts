import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Conditioning, Vae } from "../../src/models/model.ts";
import { type Tensor, tensor } from "../../src/tensor.ts";
import { callForLatent } from "../support/latents.ts";
import { openWorkbench, outputAt, type Workbench } from "./evaluate.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench[Symbol.asyncDispose]());

async function entries(
  name: string,
  inputs: Record<string, unknown>,
  slot = 0,
): Promise<Record<string, unknown>[]> {
  const value = outputAt(await bench.call(name, inputs), slot);
  if (!Array.isArray(value)) throw new Error(`${name} returns no conditioning`);
  return value;
}

/** Tokens of width 2; the pooled text is of width 1. */
function prompt(tokens: number[], pooled?: number): Conditioning {
  const context = tensor([1, tokens.length, 2]);
  tokens.forEach((value, i) => void context.data.fill(value, i * 2, i * 2 + 2));
  return [
    {
      context,
      ...(pooled === undefined ? {} : { pooled: tensor([1, 1], Float32Array.of(pooled)) }),
    },
  ];
}

const numbers = (value: unknown): number[] => {
  if (typeof value !== "object" || value === null || !("data" in value))
    throw new Error("a tensor");
  return value.data instanceof Float32Array ? [...value.data] : [];
};

describe("two prompts become one", () => {
  test("ConditioningCombine keeps both", async () => {
    const both = await entries("ConditioningCombine", {
      conditioning_1: prompt([1]),
      conditioning_2: prompt([2]),
    });
    expect(both.map(({ context }) => numbers(context)[0])).toEqual([1, 2]);
  });

  test("ConditioningConcat appends the tokens and keeps the first's pooled text", async () => {
    const [entry] = await entries("ConditioningConcat", {
      conditioning_to: prompt([1, 2], 7),
      conditioning_from: prompt([3], 8),
    });
    expect(numbers(entry?.context)).toEqual([1, 1, 2, 2, 3, 3]);
    expect(numbers(entry?.pooled)).toEqual([7]);
  });

  test.each([
    [[4], [3, 3, 1, 1]],
    [
      [4, 4, 4],
      [3, 3, 3, 3],
    ],
  ])("ConditioningAverage fits %j to two tokens and mixes", async (from, expected) => {
    const [entry] = await entries("ConditioningAverage", {
      conditioning_to: prompt([2, 2], 10),
      conditioning_from: prompt(from, 20),
      conditioning_to_strength: 0.5,
    });
    expect(numbers(entry?.context)).toEqual(expected);
    expect(numbers(entry?.pooled)).toEqual([15]);
  });

  test("ConditioningAverage takes the only pooled text there is", async () => {
    const inputs = { conditioning_from: prompt([4], 20), conditioning_to_strength: 0.25 };
    const [entry] = await entries("ConditioningAverage", {
      ...inputs,
      conditioning_to: prompt([2]),
    });
    expect(numbers(entry?.pooled)).toEqual([20]);
  });

  test("ConditioningZeroOut leaves zeros and everything else", async () => {
    const [given] = prompt([1, 2], 3);
    const [entry] = await entries("ConditioningZeroOut", {
      conditioning: [{ ...given, strength: 2 }],
    });
    expect(numbers(entry?.context)).toEqual([0, 0, 0, 0]);
    expect(numbers(entry?.pooled)).toEqual([0]);
    expect(entry?.strength).toBe(2);
  });
});

describe("where and when a prompt counts", () => {
  const conditioning = prompt([1]);

  test("ConditioningSetArea speaks of pixels, whole eights of them", async () => {
    const area = { width: 100, height: 64, x: 20, y: 8, strength: 1.5 };
    const [entry] = await entries("ConditioningSetArea", { conditioning, ...area });
    expect(entry).toMatchObject({
      area: { unit: "latent", width: 12, height: 8, x: 2, y: 1 },
      strength: 1.5,
    });
  });

  test("ConditioningSetMask sets the area of the mask only where asked to", async () => {
    const inputs = { conditioning, mask: tensor([8, 8]), strength: 2 };
    const [plain] = await entries("ConditioningSetMask", { ...inputs, set_cond_area: "default" });
    expect(plain).toMatchObject({ maskStrength: 2, isAreaOfMask: false });
    expect(plain?.mask).toMatchObject({ shape: [1, 8, 8] });
    const bounds = { ...inputs, set_cond_area: "mask bounds" };
    expect(await entries("ConditioningSetMask", bounds)).toMatchObject([{ isAreaOfMask: true }]);
  });

  test("ConditioningSetTimestepRange and the strength are kept on every entry", async () => {
    const two = [...conditioning, ...conditioning];
    const ranged = await entries("ConditioningSetTimestepRange", {
      conditioning: two,
      start: 0.25,
      end: 0.5,
    });
    expect(ranged).toMatchObject([
      { startPercent: 0.25, endPercent: 0.5 },
      { startPercent: 0.25, endPercent: 0.5 },
    ]);
  });
});

describe("pictures with holes", () => {
  /** Encodes each 8x8 square as its first pixel's red. */
  const encoded: Tensor[] = [];
  const vae: Vae = {
    family: "toy",
    latentChannels: 1,
    downscale: 8,
    encode(pixels) {
      encoded.push(pixels);
      const [batch = 1, height = 1, width = 1] = pixels.shape;
      return Promise.resolve(tensor([batch, 1, height / 8, width / 8]));
    },
    decode: () => Promise.reject(new Error("not here")),
  };
  const pixels = tensor([1, 17, 16, 3], new Float32Array(17 * 16 * 3).fill(1));
  const mask = tensor([1, 17, 16]);
  mask.data[9 * 16 + 8] = 0.8;

  test("VAEEncodeForInpaint greys the hole and grows its mask two up and left, three down and right", async () => {
    const { samples, noiseMask } = await callForLatent(bench, "VAEEncodeForInpaint", {
      pixels,
      vae,
      mask,
      grow_mask_by: 6,
    });
    expect(samples.shape).toEqual([1, 1, 2, 2]);
    expect(noiseMask?.shape).toEqual([1, 16, 16]);
    const grown = [...(noiseMask?.data ?? [])].flatMap((v, i) => (v === 1 ? [i] : []));
    expect(grown.length).toBe(36);
    // Of 17 rows the last is cut off, so the hole stays at row 9.
    expect([grown[0], grown.at(-1)]).toEqual([7 * 16 + 6, 12 * 16 + 11]);
    const picture = encoded.at(-1);
    const at = (y: number, x: number) => picture?.data[(y * 16 + x) * 3];
    expect([at(9, 8), at(9, 7), at(10, 8)]).toEqual([0.5, 1, 1]);
  });

  test("InpaintModelConditioning keeps the whole picture in the latent and shows the hole beside it", async () => {
    const before = encoded.length;
    const inputs = { positive: prompt([1]), negative: prompt([2]), vae, pixels, mask };
    const outputs = await bench.call("InpaintModelConditioning", { ...inputs, noise_mask: true });
    expect(encoded.slice(before).map(({ data }) => data.includes(0.5))).toEqual([true, false]);
    for (const slot of [0, 1]) {
      expect(outputAt(outputs, slot)).toMatchObject([
        { concatLatent: { shape: [1, 1, 2, 2] }, concatMask: { shape: [1, 16, 16] } },
      ]);
    }
    expect(outputAt(outputs, 2)).toMatchObject({ noiseMask: { shape: [1, 16, 16] } });
    const without = await bench.call("InpaintModelConditioning", { ...inputs, noise_mask: false });
    expect(outputAt(without, 2)).not.toHaveProperty("noiseMask");
  });

  test("InstructPixToPixConditioning starts from an empty latent of the picture's size", async () => {
    const inputs = { positive: prompt([1]), negative: prompt([2]), vae, pixels };
    const latent = await callForLatent(bench, "InstructPixToPixConditioning", inputs, 2);
    expect(latent.samples.shape).toEqual([1, 1, 2, 2]);
    expect(await entries("InstructPixToPixConditioning", inputs)).toMatchObject([
      { concatLatent: { shape: [1, 1, 2, 2] } },
    ]);
  });
});
