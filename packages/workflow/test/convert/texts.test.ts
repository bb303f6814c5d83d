import fc from "fast-check";
import { expect, test } from "vitest";
import { inputsOf, node } from "../support/ui.ts";

const text = (value: string, random: () => number = () => 0) =>
  inputsOf({ nodes: [node(1, "Text", { widgets_values: [value] })], links: [] }, { random })["1"]
    ?.text;

test("of each {a|b} one option stays, nested ones too, by the random source given", () => {
  const value = "a {red|{dark|light} blue} {cat|dog}";
  expect(text(value, () => 0)).toBe("a red cat");
  expect(text(value, () => 0.99)).toBe("a light blue dog");
});

test("protected braces stand for themselves, and a brace never closed ends with the text", () => {
  expect(text("\\{a\\|b\\} {x|y")).toBe("{a|b} x");
  expect(text("a } b | c")).toBe("a } b | c");
});

test("comments go, and with them the tail of an address", () => {
  expect(text("one /* two\nthree */four // five\nsix http://x.y")).toBe("one four \nsix http:");
});

test("no text, however odd, breaks the choice", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("{", "}", "|", "\\", "a", "/") }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (value, random) => {
        expect(typeof text(value, () => random)).toBe("string");
      },
    ),
  );
});

test("a text without dynamicPrompts keeps its braces", () => {
  const inputs = inputsOf({ nodes: [node(1, "Forced", { widgets_values: ["{a|b}"] })], links: [] });
  expect(inputs["1"]?.text).toBe("{a|b}");
});

test("a file name gets dates and values of other nodes, and leaves the rest to the server", () => {
  const prefix =
    "%date:yyyy-MM-dd hh_mm_ss%/%date:yy-M-d%/%Sampler.steps%-%Painter.name%/%Gone.x%/%width%";
  const inputs = inputsOf(
    {
      nodes: [
        node(1, "Sample", {
          properties: { "Node name for S&R": "Sampler" },
          widgets_values: [7, "fixed", 30, "heun", 1],
        }),
        node(2, "Sample", { title: "Painter", widgets_values: [7, "fixed", 9, "a/b:c", 1] }),
        node(3, "Save", { widgets_values: [prefix] }),
      ],
      links: [],
    },
    { now: new Date(2025, 0, 5, 9, 8, 7) },
  );
  expect(inputs["3"]?.filename_prefix).toBe("2025-01-05 09_08_07/25-1-5/30-a_b_c/%Gone.x%/%width%");
});
