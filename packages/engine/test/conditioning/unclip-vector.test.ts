/** Against torch 1.13: randn of a generator seeded with the sampling's seed minus 10, schedule in float64. */
import { expect, test } from "vitest";
import { unclipVector } from "../../src/conditioning/unclip-vector.ts";
import { createTorchRng } from "../../src/math/torch-random.ts";
import type { UnclipPicture } from "../../src/models/model.ts";
import { sinusoid } from "../../src/models/sinusoid.ts";
import { tensor } from "../../src/tensor.ts";
import { drawn } from "../support/random-checkpoint.ts";

const WIDTH = 16;
const options = { width: WIDTH, seed: 42, mergeAugmentation: 0.05 };

function picture(name: string, changes: Partial<UnclipPicture> = {}): UnclipPicture {
  const embedding = drawn(name, 1, WIDTH);
  const seen = { embedding, last: embedding, penultimate: embedding };
  return { seen, strength: 1, noiseAugmentation: 0, ...changes };
}

test("without pictures it is all 0", () => {
  expect(unclipVector([], options)).toEqual(tensor([1, 2 * WIDTH]));
});

test("a picture's embedding keeps a little noise at level 0, and tells the level", () => {
  const { shape, data } = unclipVector([picture("a")], options);
  expect(shape).toEqual([1, 2 * WIDTH]);
  const noise = createTorchRng(32).randn(WIDTH);
  const embedding = drawn("a", 1, WIDTH).data;
  // 1 - beta_0 of the schedule, from numpy.
  const kept = 0.9999586;
  embedding.forEach((value, i) => {
    const wanted = Math.sqrt(kept) * value + Math.sqrt(1 - kept) * (noise[i] ?? 0);
    expect(data[i]).toBeCloseTo(wanted, 4);
  });
  expect([...data.subarray(WIDTH)]).toEqual([...sinusoid(0, WIDTH)]);
});

test("strength multiplies both halves, and noise augmentation leaves little of the picture", () => {
  const strong = unclipVector([picture("a", { strength: 2 })], options).data;
  const plain = unclipVector([picture("a")], options).data;
  expect([...strong]).toEqual([...plain].map((value) => 2 * value));
  const { data } = unclipVector([picture("a", { noiseAugmentation: 1 })], options);
  const noise = createTorchRng(32).randn(WIDTH);
  noise.forEach((value, i) => {
    expect(data[i]).toBeCloseTo(value, 2);
  });
  expect([...data.subarray(WIDTH)]).toEqual([...sinusoid(999, WIDTH)]);
});

test("several pictures add up and get noise once more, at a level of their own", () => {
  const both = unclipVector([picture("a"), picture("b", { strength: -1 })], options);
  expect([...both.data.subarray(WIDTH)]).toEqual([...sinusoid(50, WIDTH)]);
  const swapped = unclipVector([picture("b", { strength: -1 }), picture("a")], options);
  both.data.forEach((value, i) => {
    expect(value).toBeCloseTo(swapped.data[i] ?? 0, 4);
  });
});

test("a tower of another width is refused with both widths", () => {
  expect(() => unclipVector([picture("a")], { ...options, width: 32 })).toThrow(
    /embeddings of 32 numbers, this CLIP vision tower makes 16/,
  );
});
