/** The ids are those that OpenAI's CLIP gives. */
import { expect, test } from "vitest";
import { clipTokenizer } from "../../src/text/clip-tokenizer.ts";

const tokenize = await clipTokenizer();

test.each<[string, number[]]>([
  ["", []],
  ["a photo of a cat", [320, 1125, 539, 320, 2368]],
  ["  A\tPhoto\n of  a CAT ", [320, 1125, 539, 320, 2368]],
  ["a photo of a cat<|endoftext|>", [320, 1125, 539, 320, 2368, 49407]],
])("%j becomes the ids of CLIP", (text, ids) => {
  expect(tokenize(text)).toEqual(ids);
});

test("digits are tokens of their own, and contractions are split", () => {
  expect(tokenize("1234")).toHaveLength(4);
  expect(tokenize("it's")).toEqual([...tokenize("it"), ...tokenize("'s")]);
});

test("every text has ids of the vocabulary, whatever its signs", () => {
  for (const text of ["日本語", "🐰🐇", "naïve café", "ﬁ", "\0\u0007", "constructor __proto__"]) {
    const ids = tokenize(text);
    expect(ids.length).toBeGreaterThan(0);
    expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < 49406)).toBe(true);
  }
});
