import { expect, test } from "vitest";
import { parseJson, stringifyJson, validatePrompt } from "../../src/index.ts";
import { catalogOf, nodeInfo } from "../support/catalog.ts";
import { accepted, refused, source, submitted } from "../support/validate.ts";

test("literals become what the input's type says, in a copy", async () => {
  const given = {
    "1": {
      class_type: "Source",
      inputs: { width: "64", seed: 64.9, cfg: "1e1", text: 5, flag: "" },
    },
    "2": { class_type: "Save", inputs: { images: ["1", 0] } },
  };
  const before = structuredClone(given);
  const { prompt } = await accepted(given);
  expect(prompt["1"]?.inputs).toEqual({ width: 64, seed: 64, cfg: 10, text: "5", flag: false });
  expect(given).toEqual(before);
});

test("a seed of 2^64-1 survives reading, validation and writing, and one more is refused", async () => {
  const withSeed = (seed: bigint) => {
    const inputs = stringifyJson({ ...source, seed });
    const text = `{"1": {"class_type": "Source", "inputs": ${inputs}}, "2": {"class_type": "Save", "inputs": {"images": ["1", 0]}}}`;
    return submitted(parseJson(text));
  };
  const { prompt } = await accepted(withSeed(18446744073709551615n));
  expect(prompt["1"]?.inputs.seed).toBe(18446744073709551615n);
  expect(stringifyJson(prompt, { form: "python" })).toContain('"seed": 18446744073709551615');
  const failure = await refused(withSeed(18446744073709551616n));
  expect(failure.node_errors["1"]?.errors[0]?.message).toBe(
    "Value 18446744073709551616 bigger than max of 18446744073709551615",
  );
});

test("FLOAT literals print as Python's floats afterwards, INT literals as ints", async () => {
  const { prompt } = await accepted(
    submitted(
      parseJson(
        `{"1": {"class_type": "Source", "inputs": {"width": 64.0, "seed": 1, "cfg": 8, "text": "t", "flag": true}}, "2": {"class_type": "Save", "inputs": {"images": ["1", 0]}}}`,
      ),
    ),
  );
  expect(stringifyJson(prompt["1"]?.inputs, { form: "python" })).toBe(
    '{"width": 64, "seed": 1, "cfg": 8.0, "text": "t", "flag": true}',
  );
});

test.each([
  ["INT", "abc", "invalid literal for int() with base 10: 'abc'"],
  ["INT", "0x10", "invalid literal for int() with base 10: '0x10'"],
  ["INT", Number.NaN, "cannot convert float NaN to integer"],
  [
    "INT",
    null,
    "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
  ],
  ["FLOAT", "abc", "could not convert string to float: 'abc'"],
  ["FLOAT", {}, "float() argument must be a string or a real number, not 'dict'"],
])("what %s cannot take of %j is said as Python says it", async (type, value, problem) => {
  const own = catalogOf(nodeInfo("Out", { required: { x: [type] }, isOutput: true }));
  const failure = await refused({ "1": { class_type: "Out", inputs: { x: value } } }, {}, own);
  expect(failure.node_errors["1"]?.errors).toEqual([
    expect.objectContaining({
      type: "invalid_input_type",
      extra_info: expect.objectContaining({ received_value: value, exception_message: problem }),
    }),
  ]);
});

test.each([
  [" 1_000 ", 1000],
  ["+7", 7],
  ["-7.9", undefined],
  [-7.9, -7],
  [true, 1],
])("INT of %j is %j", async (value, expected) => {
  const own = catalogOf(nodeInfo("Out", { required: { x: ["INT"] }, isOutput: true }));
  const result = await validatePrompt({ "1": { class_type: "Out", inputs: { x: value } } }, own);
  expect(result.ok ? result.prompt["1"]?.inputs.x : undefined).toBe(expected);
});

test("a wrapped literal is taken out of its wrapper, unless it is a list that could be taken for a link", async () => {
  const { prompt } = await accepted({
    "1": { class_type: "Source", inputs: { ...source, width: { __value__: 64 } } },
    "2": { class_type: "Any", inputs: { value: { __value__: ["1", 0] } } },
    "3": { class_type: "Save", inputs: { images: ["1", 0] } },
    "4": { class_type: "Save", inputs: { images: ["2", 0] } },
  });
  expect(prompt["1"]?.inputs.width).toBe(64);
  expect(prompt["2"]?.inputs.value).toEqual({ __value__: ["1", 0] });
});
