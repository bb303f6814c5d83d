import { expect, test } from "vitest";
import { expandPrefix } from "../../src/nodes/saving/filename-prefix.ts";

const facts = {
  width: 640,
  height: 480,
  now: new Date(2024, 1, 3, 4, 5, 6),
  prompt: {
    "3": { class_type: "KSampler", inputs: { seed: 42, model: ["4", 0], name: "a/b:c" } },
    "7": { class_type: "KSampler", inputs: { seed: 7 } },
    "8": { class_type: "CLIPTextEncode", inputs: { text: "a cat" }, _meta: { title: "Positive" } },
  },
  extraPngInfo: {
    workflow: {
      nodes: [
        { id: 7, title: "Second pass", properties: { "Node name for S&R": "Refiner" } },
        { id: 3, properties: { "Node name for S&R": "KSampler" } },
      ],
    },
  },
};

test.each([
  ["%width%x%height%", "640x480"],
  ["%year%-%month%-%day%_%hour%%minute%%second%", "2024-02-03_040506"],
  ["%date:yyyy-MM-dd%", "2024-02-03"],
  ["%date:d.M.yy h:m:s hhmmss%", "3.2.24 4:5:6 040506"],
  ["%KSampler.seed%", "42"],
  ["%Refiner.seed%", "7"],
  ["%Second pass.seed%", "7"],
  ["%Positive.text%", "a cat"],
  ["%CLIPTextEncode.text%", "a cat"],
  ["%KSampler.name%", "a_b_c"],
])("%s becomes %s", (prefix, expected) => {
  expect(expandPrefix(prefix, facts)).toBe(expected);
});

test.each([
  "%KSampler.model%",
  "%KSampler.nothing%",
  "%Nobody.seed%",
  "%batch_num%",
  "100%",
  "%a.b.c%",
])("%s stays as it is", (prefix) => {
  expect(expandPrefix(prefix, facts)).toBe(prefix);
});
