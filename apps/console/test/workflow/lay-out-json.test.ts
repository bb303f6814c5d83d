import { expect, test } from "vitest";
import { layOutJson } from "../../src/workflow/lay-out-json.ts";

test("JSON is laid out as JSON.stringify does it, whatever its texts hold", () => {
  const value = { a: [1, { b: 'x, {y}: [\\"z' }], empty: {}, none: [], c: null, d: 'q"' };
  expect(layOutJson(JSON.stringify(value))).toBe(JSON.stringify(value, undefined, 2));
});

test("numbers stay as they are written", () => {
  expect(layOutJson('{"seed":18446744073709551615,"cfg":8.0}')).toBe(
    '{\n  "seed": 18446744073709551615,\n  "cfg": 8.0\n}',
  );
});
