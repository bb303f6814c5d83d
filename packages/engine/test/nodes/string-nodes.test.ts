/** Expected values are what Python 3.11's str and re give. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openWorkbench, outputAt, type Workbench } from "./evaluate.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench[Symbol.asyncDispose]());

const run = async (name: string, inputs: Record<string, unknown>) =>
  outputAt(await bench.call(name, inputs), 0);

test("StringConcatenate puts the delimiter between", async () => {
  expect(await run("StringConcatenate", { string_a: "a", string_b: "b", delimiter: ", " })).toBe(
    "a, b",
  );
});

test.each([
  [1, 3, "b🐱"],
  [-2, 99, "d🐶"],
  [0, -1, "ab🐱d"],
  [3, 1, ""],
])("StringSubstring from %i to %i counts characters", async (start, end, expected) => {
  expect(await run("StringSubstring", { string: "ab🐱d🐶", start, end })).toBe(expected);
});

test("StringLength counts characters", async () => {
  expect(await run("StringLength", { string: "a🐱b" })).toBe(3);
});

test.each([
  ["UPPERCASE", "THEY'RE ÉTÉ 3D SSX"],
  ["lowercase", "they're été 3d ßx"],
  ["Capitalize", "They're été 3d ßx"],
  ["Title Case", "They'Re Été 3D Ssx"],
])("CaseConverter %s", async (mode, expected) => {
  expect(await run("CaseConverter", { string: "tHEY're été 3d ßx", mode })).toBe(expected);
});

test.each([
  ["Both", "a b"],
  ["Left", "a b\u00a0\x1f"],
  ["Right", "\n\t a b"],
])("StringTrim %s takes Python's white space", async (mode, expected) => {
  expect(await run("StringTrim", { string: "\n\t a b\u00a0\x1f", mode })).toBe(expected);
});

test.each([
  ["a.b.a", ".", "-", "a-b-a"],
  ["ab", "", "-", "-a-b-"],
  ["aaa", "aa", "$&", "$&a"],
])("StringReplace in %j of %j by %j", async (subject, find, replace, expected) => {
  expect(await run("StringReplace", { string: subject, find, replace })).toBe(expected);
});

test("StringContains and StringCompare may ignore case", async () => {
  const inputs = { string: "Hello", substring: "ELL" };
  expect(await run("StringContains", { ...inputs, case_sensitive: true })).toBe(false);
  expect(await run("StringContains", { ...inputs, case_sensitive: false })).toBe(true);
  const pair = { string_a: "Hello", string_b: "he", mode: "Starts With" };
  expect(await run("StringCompare", { ...pair, case_sensitive: true })).toBe(false);
  expect(await run("StringCompare", { ...pair, case_sensitive: false })).toBe(true);
  const ends = { string_a: "Hello", string_b: "lo", case_sensitive: true };
  expect(await run("StringCompare", { ...ends, mode: "Ends With" })).toBe(true);
  expect(await run("StringCompare", { ...ends, mode: "Equal" })).toBe(false);
});

const flags = { case_insensitive: false, multiline: false, dotall: false };

describe("patterns mean what Python means by them", () => {
  test.each([
    ["^b", "a\nb", false],
    ["a$", "a\n", true],
    [String.raw`a\Z`, "a\n", false],
    [String.raw`\Aa`, "ba", false],
    ["a.b", "a\rb", true],
    ["a.b", "a\nb", false],
    [String.raw`\bé`, "x é", true],
    [String.raw`\w+é$`, "caféé", true],
    [String.raw`\d`, "٣", true],
    ["[]a]+$", "]a]", true],
    ["[^]a]", "]a", false],
    ["[[a]{2}$", "[a", true],
    ["{x}", "{x}", true],
    ["a{,2}b", "aab", true],
    ["(?P<q>['\"]).*(?P=q)", `"x"`, true],
    [String.raw`a\-b\ c\!`, "a-b c!", true],
    [String.raw`[\w\-]+$`, "é-", true],
    ["(?i)ABC", "abc", true],
    ["a(?#comment)b", "ab", true],
    ["(?<=a)b", "ab", true],
    [String.raw`\/\x41\t`, "/A\t", true],
  ])("%s in %j", async (regex_pattern, subject, expected) => {
    expect(await run("RegexMatch", { string: subject, regex_pattern, ...flags })).toBe(expected);
  });

  test("flags change case, anchors and the dot", async () => {
    const match = (regex_pattern: string, subject: string, more: Partial<typeof flags>) =>
      run("RegexMatch", { string: subject, regex_pattern, ...flags, ...more });
    expect(await match("É", "é", { case_insensitive: true })).toBe(true);
    expect(await match("^b$", "a\nb\nc", { multiline: true })).toBe(true);
    expect(await match("a.b", "a\nb", { dotall: true })).toBe(true);
  });

  test("an invalid pattern matches nothing", async () => {
    for (const regex_pattern of ["(", "a**", String.raw`\q`, "(?(1)a|b)"]) {
      expect(await run("RegexMatch", { string: "(a", regex_pattern, ...flags })).toBe(false);
    }
  });
});

describe("RegexExtract", () => {
  const subject = "a=1, b=22, c=";
  test.each([
    ["First Match", String.raw`(\w)=(\d+)`, 1, "a=1"],
    ["All Matches", String.raw`\w=\d+`, 1, "a=1\nb=22"],
    ["All Matches", String.raw`\w=(\d*)`, 1, "1\n22\n"],
    ["All Matches", String.raw`(\w)=(\d+)`, 2, "a\nb"],
    ["First Group", String.raw`(\w)=(\d+)`, 2, "1"],
    ["First Group", String.raw`(\w)=(\d+)`, 3, ""],
    ["All Groups", String.raw`(\w)=(\d+)`, 2, "1\n22"],
    ["All Groups", String.raw`(\w)=(\d+)`, 0, "a=1\nb=22"],
    ["First Match", "z", 1, ""],
    ["All Matches", "(", 1, ""],
  ])("%s of %s, group %i", async (mode, regex_pattern, group_index, expected) => {
    const inputs = { string: subject, regex_pattern, mode, group_index, ...flags };
    expect(await run("RegexExtract", inputs)).toBe(expected);
  });
});

describe("RegexReplace", () => {
  test.each([
    ["abcabc", "B", "-", {}, "a-ca-c"],
    ["abcabc", "b", "-", { count: 1 }, "a-cabc"],
    ["abcabc", "B", "-", { case_insensitive: false }, "abcabc"],
    ["John Smith", String.raw`(\w+) (?P<last>\w+)`, String.raw`\g<last>, \1`, {}, "Smith, John"],
    ["a", "a", String.raw`\g<0>\n\\$1`, {}, "a\n\\$1"],
    ["abxd", "x*", "-", {}, "-a-b--d-"],
    ["ab", "(a)|(b)", String.raw`[\1\2]`, {}, "[a][b]"],
  ])("in %j of %s by %s", async (subject, regex_pattern, replace, more, expected) => {
    const inputs = { string: subject, regex_pattern, replace, ...more };
    expect(await run("RegexReplace", inputs)).toBe(expected);
  });

  test("an invalid pattern or replacement is an error", async () => {
    const replace = (regex_pattern: string, template: string) =>
      run("RegexReplace", { string: "a", regex_pattern, replace: template });
    await expect(replace("(", "")).rejects.toThrow(SyntaxError);
    await expect(replace("a", String.raw`\3`)).rejects.toThrow("the pattern has no group 3");
    await expect(replace("a", String.raw`\q`)).rejects.toThrow("bad escape");
  });
});

describe("PreviewAny", () => {
  test.each([
    ["text", "text"],
    [1.5, "1.5"],
    [true, "True"],
    [null, "None"],
    [{ a: [1, "é"] }, '{"a": [1, "\\u00e9"]}'],
    [{ shape: [1, 2], data: new Float32Array(2) }, '"tensor of shape [1, 2]"'],
  ])("shows %j as text", async (source, expected) => {
    expect(await bench.call("PreviewAny", { source })).toEqual({ ui: { text: [expected] } });
  });
});

test.each([
  ["PrimitiveString", "a"],
  ["PrimitiveStringMultiline", "a\nb"],
  ["PrimitiveInt", 7],
  ["PrimitiveFloat", 0.5],
  ["PrimitiveBoolean", true],
])("%s hands on its value", async (name, value) => {
  expect(await bench.call(name, { value })).toEqual([value]);
});

const search = (string: string, regex_pattern: string) => ({
  ...flags,
  string,
  regex_pattern,
  mode: "All Matches",
  group_index: 0,
  replace: "-",
  count: 0,
});

test.each([
  ["RegexMatch", "(a+)+$", `${"a".repeat(50)}!`],
  ["RegexMatch", "(?=(a+)+$)x", `${"a".repeat(50)}!`],
  ["RegexExtract", "(a|a)*b", "a".repeat(60)],
  ["RegexReplace", "(x+x+)+y", "x".repeat(60)],
])("%s gives up a pattern that would take years: %s", async (name, pattern, text) => {
  await expect(run(name, search(text, pattern))).rejects.toMatchObject({
    code: "LIMIT_EXCEEDED",
    message: expect.stringContaining("was still being matched after 1000 ms"),
  });
  // The next pattern has all of its time.
  expect(await run("RegexMatch", search("ab", "b"))).toBe(true);
});

test.each(["RegexMatch", "RegexExtract", "RegexReplace"])(
  "%s does not read a pattern of millions of letters",
  async (name) => {
    await expect(run(name, search("x", "(?#".repeat(1_000_000)))).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
    });
  },
);

test.each(["RegexExtract", "RegexReplace"])(
  "%s is refused where the pattern matches at every letter of a long text",
  async (name) => {
    await expect(run(name, search("x".repeat(200_000), ""))).rejects.toThrow(
      "the pattern matches more than 100000 times",
    );
  },
);

test("RegexReplace stops when what it makes is too long", async () => {
  const inputs = { ...search("x".repeat(1_000), "x"), replace: "y".repeat(1_000_000) };
  await expect(run("RegexReplace", inputs)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
});

test("StringTrim takes white space off the end of a text that has much of it elsewhere", async () => {
  const spaces = " ".repeat(1_000_000);
  expect(await run("StringTrim", { string: `${spaces}x`, mode: "Right" })).toBe(`${spaces}x`);
  expect(await run("StringTrim", { string: `x${spaces}`, mode: "Right" })).toBe("x");
});

test("a replacement of groups that are never closed is refused at once", async () => {
  const inputs = { string: "a", regex_pattern: "a", replace: "\\g<".repeat(200_000) };
  await expect(run("RegexReplace", inputs)).rejects.toThrow("bad escape");
});
