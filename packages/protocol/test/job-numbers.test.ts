import { expect, test } from "vitest";
import {
  decodeJob,
  encodeJob,
  isFloatAt,
  parseJson,
  promptSchema,
  stringifyJson,
} from "../src/index.ts";

const text =
  '{"1": {"class_type": "A", "inputs": {"seed": 18446744073709551615, "cfg": 8.0, "steps": 8, "list": {"__value__": [1.0, 1]}}}}';

test("a job's numbers arrive as they were written: large seeds digit by digit, 8.0 apart from 8", () => {
  const sent = decodeJob({ text: `{"jobId": "j", "prompt": ${text}}` });
  const { body } = encodeJob(sent);
  const { prompt } = decodeJob({ text: String(body) });
  const inputs = prompt["1"]?.inputs ?? {};
  expect(inputs).toEqual({
    seed: 18446744073709551615n,
    cfg: 8,
    steps: 8,
    list: { __value__: [1, 1] },
  });
  expect([isFloatAt(inputs, "cfg"), isFloatAt(inputs, "steps")]).toEqual([true, false]);
  expect(stringifyJson(prompt, { form: "python" })).toBe(text);
});

test("a job that is not JSON is refused with the place of the mistake", () => {
  expect(() => decodeJob({ text: '{"prompt": }' })).toThrow(
    expect.objectContaining({
      code: "INVALID_JSON",
      message: expect.stringContaining("column 12"),
    }),
  );
});

test("a schema's copy alone would forget which numbers are floats", () => {
  const copy = promptSchema.parse(parseJson(text));
  expect(isFloatAt(copy["1"]?.inputs ?? {}, "cfg")).toBe(false);
});
