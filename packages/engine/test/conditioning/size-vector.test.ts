import { expect, test } from "vitest";
import { sizeVector } from "../../src/conditioning/size-vector.ts";
import { tensor } from "../../src/tensor.ts";

const entry = {
  context: tensor([1, 1, 1]),
  pooled: tensor([1, 4], Float32Array.of(1, 2, 3, 4)),
};
const picture = { width: 1024, height: 768, isNegative: false };

/** Sizes of the vector, read back: the second cosine and sine turn by 10000^(-1/128). */
function sizesOf(y: Float32Array): number[] {
  const sizes: number[] = [];
  for (let from = 4; from < y.length; from += 256) {
    // The slowest pair turns by v / 10000^(127/128): no size comes round.
    const slow = 10_000 ** (-127 / 128);
    const angle = Math.atan2(y[from + 255] ?? 0, y[from + 127] ?? 0);
    sizes.push(Math.round(angle / slow));
  }
  return sizes;
}

test("SDXL is told height and width first, then the crop and the target, after the pooled text", () => {
  const sizes = {
    width: 1,
    height: 2,
    cropWidth: 3,
    cropHeight: 4,
    targetWidth: 5,
    targetHeight: 6,
  };
  const y = sizeVector({ ...entry, sizes }, { ...picture, kind: "sdxl" });
  expect(y.shape).toEqual([1, 4 + 6 * 256]);
  expect([...y.data.slice(0, 4)]).toEqual([1, 2, 3, 4]);
  expect(sizesOf(y.data)).toEqual([2, 1, 4, 3, 6, 5]);
});

test("a size is 128 cosines and then 128 sines of falling frequency", () => {
  const { data } = sizeVector(entry, { ...picture, kind: "sdxl" });
  expect(data[4]).toBeCloseTo(Math.cos(768), 5);
  expect(data[4 + 128]).toBeCloseTo(Math.sin(768), 5);
  expect(data[5]).toBeCloseTo(Math.cos(768 * 10_000 ** (-1 / 128)), 5);
});

test("without sizes they are those of the picture that is sampled", () => {
  const y = sizeVector(entry, { ...picture, kind: "sdxl" });
  expect(sizesOf(y.data)).toEqual([768, 1024, 0, 0, 768, 1024]);
});

test("the refiner is told a score in place of the target: 6, or 2.5 for a negative prompt", () => {
  const scores = [
    sizeVector(entry, { ...picture, kind: "sdxl-refiner" }),
    sizeVector(entry, { ...picture, kind: "sdxl-refiner", isNegative: true }),
    sizeVector({ ...entry, aestheticScore: 9 }, { ...picture, kind: "sdxl-refiner" }),
  ].map(({ data }) => Math.acos(data[4 + 4 * 256 + 64] ?? 0) * 10_000 ** (64 / 128));
  expect(scores.map((score) => Math.round(score * 10) / 10)).toEqual([6, 2.5, 9]);
});

test("a prompt without pooled text is refused with the likely cause", () => {
  const { pooled: _, ...bare } = entry;
  expect(() => sizeVector(bare, { ...picture, kind: "sdxl" })).toThrow(
    "needs the pooled text of a prompt",
  );
});
