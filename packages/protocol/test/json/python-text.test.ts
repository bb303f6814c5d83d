import { expect, test } from "vitest";
import { parseJson, pythonRepr, pythonStr, pythonType } from "../../src/index.ts";

test("values are printed as Python prints them", () => {
  const value = parseJson(
    '{"a": 1, "b": [true, null, 5.0, "x"], "c": "it\'s", "d": "\\"it\'s\\"", "e": "a\\nb\\u0001"}',
  );
  expect(pythonRepr(value)).toBe(
    `{'a': 1, 'b': [True, None, 5.0, 'x'], 'c': "it's", 'd': '"it\\'s"', 'e': 'a\\nb\\x01'}`,
  );
});

test("a text is printed bare, and a whole number by whether it is a float", () => {
  expect(pythonStr("x")).toBe("x");
  expect([pythonStr(5), pythonStr(5, true), pythonStr(2n ** 64n)]).toEqual([
    "5",
    "5.0",
    "18446744073709551616",
  ]);
});

test("types carry Python's names", () => {
  expect([null, "x", true, 1, 1.5, 2n ** 70n, [], {}].map((value) => pythonType(value))).toEqual([
    "NoneType",
    "str",
    "bool",
    "int",
    "float",
    "int",
    "list",
    "dict",
  ]);
});

test("a value that contains itself is cut short", () => {
  const loop: unknown[] = [];
  loop.push(loop);
  expect(pythonRepr(loop)).toContain("[...]");
});
