import { describe, expect, test } from "vitest";
import { entryWeights } from "../../src/conditioning/entry-weights.ts";
import { mirrorAreas, resolveEntries } from "../../src/conditioning/resolve-entries.ts";
import type { Conditioning, ConditioningEntry } from "../../src/models/model.ts";
import { tensor } from "../../src/tensor.ts";
import { toyPrompt } from "../support/toy-model.ts";

const shape = { batch: 1, channels: 4, height: 16, width: 32 };

function resolved(conditioning: Conditioning, isNegative = false) {
  return resolveEntries(conditioning, { shape, isNegative, sigmaAtPercent: (p) => 10 * (1 - p) });
}

function first(options: Partial<ConditioningEntry>) {
  const [entry] = resolved(toyPrompt(1, options));
  if (entry === undefined) throw new Error("one entry makes one");
  return entry;
}

const latentArea = (x: number, y: number, width: number, height: number) =>
  ({ unit: "latent", x, y, width, height }) as const;

describe("areas", () => {
  test("in fractions are rounded to latent pixels, one at least", () => {
    const area = { unit: "fraction", x: 0.5, y: 0.25, width: 0.01, height: 0.5 } as const;
    expect(first({ area }).area).toEqual({ x: 16, y: 4, width: 1, height: 8 });
  });

  test("end where the latent ends, and one beyond it is refused", () => {
    expect(first({ area: latentArea(24, 8, 20, 20) }).area).toEqual({
      x: 24,
      y: 8,
      width: 8,
      height: 8,
    });
    expect(() => first({ area: latentArea(32, 0, 8, 8) })).toThrow(
      "starts at (32, 0) in latent pixels, outside of the latent, which is 32x16",
    );
  });

  test("of a mask are its bounds, 8x8 at least, also for an empty mask", () => {
    const mask = tensor([1, 16, 32]);
    for (const i of [2 * 32 + 5, 13 * 32 + 6]) mask.data[i] = 0.1;
    expect(first({ mask, isAreaOfMask: true }).area).toEqual({ x: 5, y: 2, width: 8, height: 12 });
    const empty = tensor([1, 16, 32]);
    expect(first({ mask: empty, isAreaOfMask: true }).area).toEqual({
      x: 0,
      y: 0,
      width: 8,
      height: 8,
    });
  });
});

describe("weights", () => {
  test("of an area fade in from inner edges only, over 8 pixels or a quarter of the side", () => {
    const weights = entryWeights(first({ area: latentArea(0, 4, 16, 12), strength: 2 }), shape);
    const at = (x: number, y: number) => weights[y * 16 + x];
    expect(at(0, 11)).toBe(2);
    expect([0, 1, 2, 3].map((y) => at(0, y))).toEqual([2 / 3, 4 / 3, 2, 2].map(Math.fround));
    expect([15, 14, 13, 12, 11].map((x) => at(x, 11))).toEqual([0.5, 1, 1.5, 2, 2]);
  });

  test("of a mask are strength and mask strength times the mask, without fading", () => {
    const mask = tensor([1, 16, 32], new Float32Array(512).fill(0.5));
    const entry = first({ mask, maskStrength: 3, strength: 2, area: latentArea(8, 8, 8, 8) });
    expect([...new Set(entryWeights(entry, shape))]).toEqual([3]);
  });

  test("masks of another size are resized, one for each picture of a batch", () => {
    const mask = tensor([2, 1, 1], Float32Array.of(0, 1));
    const batch = { ...shape, batch: 3 };
    const [entry] = resolveEntries(toyPrompt(1, { mask }), {
      shape: batch,
      isNegative: false,
      sigmaAtPercent: () => 0,
    });
    if (entry === undefined) throw new Error("one entry makes one");
    const weights = entryWeights(entry, batch);
    expect([weights[0], weights[512], weights[1024]]).toEqual([0, 1, 0]);
  });
});

test("a range of the sampling becomes a range of levels; without one there is no limit", () => {
  expect(first({ startPercent: 0.2, endPercent: 0.7 })).toMatchObject({ sigmaStart: 8 });
  expect(first({ startPercent: 0.2, endPercent: 0.7 }).sigmaEnd).toBeCloseTo(3, 12);
  expect(first({})).toMatchObject({ sigmaStart: Number.POSITIVE_INFINITY, sigmaEnd: 0 });
});

describe("areas of one side are mirrored into the other", () => {
  test("with the other side's smallest prompt around them", () => {
    const area = latentArea(4, 4, 8, 8);
    const wide = latentArea(0, 0, 16, 16);
    const [, negative] = mirrorAreas([
      resolved(toyPrompt(1, { area, strength: 3 })),
      resolved([...toyPrompt(-1), ...toyPrompt(-2, { area: wide })], true),
    ]);
    expect(negative).toHaveLength(3);
    expect(negative?.[2]).toMatchObject({ area: { x: 4, y: 4, width: 8, height: 8 }, strength: 3 });
    expect(negative?.[2]?.isNegative).toBe(true);
    expect(negative?.[2]?.entry.context.data[0]).toBe(-2);
  });

  test("unless the other side has the same area, or nothing around it", () => {
    const area = latentArea(4, 4, 8, 8);
    const [, same] = mirrorAreas([
      resolved(toyPrompt(1, { area })),
      resolved(toyPrompt(-1, { area }), true),
    ]);
    expect(same).toHaveLength(1);
    const [, apart] = mirrorAreas([
      resolved(toyPrompt(1, { area })),
      resolved(toyPrompt(-1, { area: latentArea(0, 0, 8, 8) }), true),
    ]);
    expect(apart).toHaveLength(1);
  });
});
