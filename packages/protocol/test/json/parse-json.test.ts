import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isFloatAt, parseJson, stringifyJson } from "../../src/index.ts";

describe("parseJson", () => {
  test("a seed of 2^64-1 comes out as the same number", () => {
    const parsed = parseJson('{"seed": 18446744073709551615, "steps": 20}');
    expect(parsed).toEqual({ seed: 18446744073709551615n, steps: 20 });
  });

  test("integers are numbers up to 2^53 - 1 and bigint beyond, on both sides of zero", () => {
    expect(parseJson("[9007199254740991, 9007199254740992, -9007199254740993]")).toEqual([
      9007199254740991,
      9007199254740992n,
      -9007199254740993n,
    ]);
  });

  test("5 and 5.0 are the same number, and only the second is a float", () => {
    const parsed = parseJson('{"a": 5, "b": 5.0, "c": 1e3, "d": 0.5, "e": "5.0"}');
    expect(parsed).toEqual({ a: 5, b: 5, c: 1000, d: 0.5, e: "5.0" });
    if (typeof parsed !== "object" || parsed === null) throw new Error("not an object");
    expect(Object.keys(parsed).filter((key) => isFloatAt(parsed, key))).toEqual(["b", "c", "d"]);
  });

  test("floats inside arrays are told apart by position", () => {
    const parsed = parseJson('["1", 0.0, 0]');
    if (!Array.isArray(parsed)) throw new Error("not an array");
    expect([isFloatAt(parsed, 1), isFloatAt(parsed, 2)]).toEqual([true, false]);
  });

  test("NaN and the infinities are read as Python writes them", () => {
    expect(parseJson("[NaN, Infinity, -Infinity]")).toEqual([Number.NaN, Infinity, -Infinity]);
  });

  test("a key __proto__ is an ordinary property and changes no prototype", () => {
    for (const text of [
      '{"__proto__": {"evil": true}}',
      '{"__proto__": {"evil": true}, "x": 1.0}',
    ]) {
      const parsed = parseJson(text);
      if (typeof parsed !== "object" || parsed === null) throw new Error("not an object");
      expect(Object.keys(parsed)).toContain("__proto__");
      expect("evil" in parsed).toBe(false);
      expect("evil" in {}).toBe(false);
    }
  });

  test.each([
    ['{"a": 1,}', 'JSON, line 1, column 9: expected a key in quotes, got "}"'],
    ['{"a": 1.0,\n "b" 2}', 'JSON, line 2, column 6: expected ":" after the key "b", got "2"'],
    ["[1 2]", 'JSON, line 1, column 4: expected "," or "]" in the array, got "2"'],
    ["", "JSON, line 1, column 1: expected a value, got the end of the text"],
    ["01", 'JSON, line 1, column 1: "01" is not a number'],
    ["1.", 'JSON, line 1, column 1: "1." is not a number'],
    ["1 x", 'JSON, line 1, column 3: expected the end, got "x"'],
    ['"abc', "JSON, line 1, column 1: the string that starts here has no end"],
    ["undefined", 'JSON, line 1, column 1: expected a value, got "u"'],
  ])("%j is refused with the place and what was expected", (text, message) => {
    expect(() => parseJson(text)).toThrow(
      expect.objectContaining({ code: "INVALID_JSON", message }),
    );
  });

  test("a text that nests too deep is refused, however long it is", () => {
    const text = "[".repeat(1_000_000);
    expect(() => parseJson(text)).toThrow("arrays and objects nest deeper than 256 levels");
    expect(parseJson("[[1]]", { maxDepth: 2 })).toEqual([[1]]);
    expect(() => parseJson("[[1.0]]", { maxDepth: 1 })).toThrow("deeper than 1 levels");
  });

  test("every value that JSON.stringify writes is read as JSON.parse reads it", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const expected: unknown = JSON.parse(text);
        expect(withoutBigint(parseJson(text))).toEqual(expected);
        // A float somewhere sends the text through the other reader.
        expect(withoutBigint(parseJson(`[1.0, ${text}]`))).toEqual([1, expected]);
      }),
    );
  });
});

describe("stringifyJson", () => {
  test("what was read is written with the same numbers", () => {
    const text = '{"seed":18446744073709551615,"cfg":8.0,"steps":20,"denoise":0.55,"list":[1.0,1]}';
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  test("the compact form is JSON.stringify's for every value it can write", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(stringifyJson(value)).toBe(JSON.stringify(value));
      }),
    );
  });

  test("the Python form separates, escapes and prints floats like json.dumps", () => {
    const value = parseJson(
      '{"a": [1, 2.0, 1e16, 0.00001, 1e-7, 123456789012345680.0], "t": "é☃😀\\u007f\\n\\"", "n": null, "b": true}',
    );
    expect(stringifyJson(value, { form: "python" })).toBe(
      String.raw`{"a": [1, 2.0, 1e+16, 1e-05, 1e-07, 1.2345678901234568e+17], "t": "\u00e9\u2603\ud83d\ude00\u007f\n\"", "n": null, "b": true}`,
    );
    expect(stringifyJson([Number.NaN, Infinity, -Infinity], { form: "python" })).toBe(
      "[NaN, Infinity, -Infinity]",
    );
  });

  test("undefined members are left out, and dates write themselves", () => {
    expect(stringifyJson({ a: undefined, b: new Date(0), c: [undefined] })).toBe(
      '{"b":"1970-01-01T00:00:00.000Z","c":[null]}',
    );
  });

  test("a value that contains itself is an error, not a crash", () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(() => stringifyJson(loop)).toThrow("value nests deeper than 320 levels");
  });
});

function withoutBigint(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(withoutBigint);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, withoutBigint(member)]),
  );
}
