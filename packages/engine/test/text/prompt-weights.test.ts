import { expect, test } from "vitest";
import { promptWeights } from "../../src/text/prompt-weights.ts";

/** Weights rounded: 1.1 * 1.1 is not 1.21. */
const read = (prompt: string) =>
  promptWeights(prompt).map(({ text, weight }) => [text, Math.round(weight * 1e6) / 1e6]);

test.each<[string, string, (string | number)[][]]>([
  ["plain text has weight 1", "a cat", [["a cat", 1]]],
  ["an empty prompt has no parts", "", []],
  [
    "parentheses multiply by 1.1, inside each other too",
    "((a) b)",
    [
      ["a", 1.21],
      [" b", 1.1],
    ],
  ],
  [
    "a number behind a colon sets the weight",
    "a (b:1.3) c",
    [
      ["a ", 1],
      ["b", 1.3],
      [" c", 1],
    ],
  ],
  ["a set weight drops the one around it", "((a:0.5):2)", [["a", 0.5]]],
  [
    "what is inside inherits a set weight",
    "((a) b:2)",
    [
      ["a", 2.2],
      [" b", 2],
    ],
  ],
  ["what is no number is text", "(a:b)", [["a:b", 1.1]]],
  ["a colon at the start is text", "(:2)", [[":2", 1.1]]],
  ["the last colon counts", "(a:b:1.5)", [["a:b", 1.5]]],
  [
    "escaped parentheses are signs",
    "\\(a\\) (b\\))",
    [
      ["(a) ", 1],
      ["b)", 1.1],
    ],
  ],
  [
    "an open parenthesis is text",
    "a (b",
    [
      ["a ", 1],
      ["(b", 1],
    ],
  ],
  ["one that closes too early makes the next plain", "a) (b) c", [["a) (b) c", 1]]],
  ["brackets and BREAK are text", "[a] BREAK b", [["[a] BREAK b", 1]]],
])("%s", (_, prompt, parts) => {
  expect(read(prompt)).toEqual(parts);
});

test("a long text that is nearly a number is read once", () => {
  const inner = `a:${"1".repeat(400_000)}x`;
  expect(read(`(${inner})`)).toEqual([[inner, 1.1]]);
});
