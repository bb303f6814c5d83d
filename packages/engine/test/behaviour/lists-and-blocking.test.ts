import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSuite, preview, type Suite, save, stubImage } from "../support/suite.ts";

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
});
afterAll(() => suite[Symbol.asyncDispose]());

/** Three pictures, of which the one whose number is 2 is blocked. */
const blocking = (verbose: boolean) => ({
  image1: stubImage("BLACK"),
  image2: stubImage("WHITE"),
  image3: stubImage("BLACK"),
  images: [
    "TestMakeListNode",
    { value1: ["image1", 0], value2: ["image2", 0], value3: ["image3", 0] },
  ] as const,
  one: ["StubInt", { value: 1 }] as const,
  two: ["StubInt", { value: 2 }] as const,
  three: ["StubInt", { value: 3 }] as const,
  numbers: [
    "TestMakeListNode",
    { value1: ["one", 0], value2: ["two", 0], value3: ["three", 0] },
  ] as const,
  isTwo: ["TestIntConditions", { a: ["numbers", 0], b: 2, operation: "==" }] as const,
  blocker: [
    "TestExecutionBlocker",
    { input: ["images", 0], block: ["isTwo", 0], verbose },
  ] as const,
  out: preview("blocker"),
});

describe("an execution blocker", () => {
  test("in a list stops only its own entry", async () => {
    const run = await suite.run(blocking(false));
    expect(await run.pixels("out")).toEqual([0, 0]);
    expect(run.events.some(({ type }) => type === "node-blocked")).toBe(false);
  });

  test("with a message is reported once, by the first node that receives it, and the prompt still succeeds", async () => {
    const run = await suite.run({
      ...blocking(true),
      below: ["ImageInvert", { image: ["blocker", 0] }],
      out: preview("below"),
    });
    expect(run.state).toBe("succeeded");
    const reports = run.events.filter(({ type }) => type === "node-blocked");
    expect(reports).toEqual([
      expect.objectContaining({ nodeId: "below", nodeType: "ImageInvert" }),
    ]);
    expect(await run.pixels("out")).toEqual([255, 255]);
  });

  test("before an output leaves it without a picture", async () => {
    const run = await suite.run({
      image: stubImage("WHITE"),
      blocker: ["TestExecutionBlocker", { input: ["image", 0], block: true, verbose: false }],
      out: save("blocker"),
    });
    expect([run.state, run.outputs]).toEqual(["succeeded", {}]);
  });

  test("lets async nodes beside it go on", async () => {
    const run = await suite.run({
      ...blocking(false),
      sleep: ["TestSleep", { value: ["blocker", 0], seconds: 0.01 }],
      out: preview("sleep"),
    });
    expect(await run.pixels("out")).toEqual([0, 0]);
  });
});

describe("inputs", () => {
  test("that a class does not declare are handed on when they are links", async () => {
    const run = await suite.run({
      white: stubImage("WHITE"),
      black: stubImage("BLACK"),
      average: [
        "TestVariadicAverage",
        {
          input1: ["white", 0],
          input2: ["black", 0],
          input3: ["black", 0],
          input4: ["black", 0],
          ignored: 5,
        },
      ],
      out: save("average"),
    });
    expect(await run.pixels("out")).toEqual([Math.floor(255 / 4)]);
  });
});

describe("nodes on lists and numbers", () => {
  /** Runs nodes whose last one gives a truth, and tells it by a picture: blocked when true. */
  const isTrue = async (graph: Record<string, readonly [string, Record<string, unknown>]>) => {
    const run = await suite.run({
      ...graph,
      image: stubImage("WHITE", 8),
      blocker: [
        "TestExecutionBlocker",
        { input: ["image", 0], block: ["result", 0], verbose: false },
      ],
      out: preview("blocker"),
    });
    expect(run.error).toBeUndefined();
    return run.outputs.out === undefined;
  };

  test.each([
    ["add", 7, 2, 9],
    ["subtract", 7, 2, 5],
    ["multiply", 7, 2, 14],
    ["divide", -7, 2, -4],
    ["modulo", -7, 2, 1],
    ["modulo", 7, -2, -1],
    ["power", 2, 10, 1024],
  ])("%s of %d and %d is %d", async (operation, a, b, result) => {
    expect(
      await isTrue({
        math: ["TestIntMathOperation", { a, b, operation }],
        result: ["TestIntConditions", { a: ["math", 0], b: result, operation: "==" }],
      }),
    ).toBe(true);
  });

  test("whole numbers have as many digits as they need", async () => {
    const run = await suite.run(`{
      "power": {"class_type": "TestIntMathOperation", "inputs": {"a": 2, "b": 64, "operation": "power"}},
      "seed": {"class_type": "TestIntMathOperation", "inputs": {"a": ["power", 0], "b": 1, "operation": "subtract"}},
      "same": {"class_type": "TestIntConditions", "inputs": {"a": ["seed", 0], "b": 18446744073709551615, "operation": "=="}},
      "image": {"class_type": "StubImage", "inputs": {"content": "WHITE", "height": 8, "width": 8, "batch_size": 1}},
      "blocker": {"class_type": "TestExecutionBlocker", "inputs": {"input": ["image", 0], "block": ["same", 0], "verbose": false}},
      "out": {"class_type": "PreviewImage", "inputs": {"images": ["blocker", 0]}}}`);
    expect([run.state, run.outputs.out]).toEqual(["succeeded", undefined]);
  });

  test("a division by zero fails under Python's name", async () => {
    const run = await suite.run({
      math: ["TestIntMathOperation", { a: 1, b: 0, operation: "divide" }],
      image: stubImage("WHITE", 8),
      blocker: [
        "TestExecutionBlocker",
        { input: ["image", 0], block: false, verbose: false, wait: ["math", 0] },
      ],
      out: preview("blocker"),
    });
    expect(run.error?.node).toMatchObject({ nodeId: "math", exceptionType: "ZeroDivisionError" });
  });

  test.each([
    ["a IN b", "Cat", "concat", true, false],
    ["a IN b", "Cat", "concat", false, true],
    ["a MATCH REGEX(b)", "hello", "h.l", true, true],
    ["a MATCH REGEX(b)", "hello", "ell", true, false],
    ["a MATCH REGEX(b)", "hello", "(", true, false],
    ["a BEGINSWITH b", "hello", "he", true, true],
    ["a ENDSWITH b", "hello", "he", true, false],
  ])(
    "%s of %j and %j, case sensitive %j, is %j",
    async (operation, a, b, case_sensitive, expected) => {
      expect(
        await isTrue({ result: ["TestStringConditions", { a, b, operation, case_sensitive }] }),
      ).toBe(expected);
    },
  );

  test("an accumulation grows, is counted, and gives its items back", async () => {
    const accumulate = (accumulation: string | undefined, to_add: string) =>
      [
        "TestAccumulateNode",
        { to_add: [to_add, 0], ...(accumulation && { accumulation: [accumulation, 0] }) },
      ] as const;
    const graph = {
      black: stubImage("BLACK", 8),
      white: stubImage("WHITE", 8),
      one: accumulate(undefined, "black"),
      two: accumulate("one", "white"),
      three: accumulate("two", "black"),
      length: ["TestAccumulationGetLengthNode", { accumulation: ["three", 0] }] as const,
      result: ["TestIntConditions", { a: ["length", 0], b: 3, operation: "==" }] as const,
    };
    expect(await isTrue(graph)).toBe(true);
    const run = await suite.run({
      ...graph,
      set: [
        "TestAccumulationSetItemNode",
        { accumulation: ["three", 0], index: 0, value: ["white", 0] },
      ],
      head: ["TestAccumulationHeadNode", { accumulation: ["set", 0] }],
      tail: ["TestAccumulationTailNode", { accumulation: ["set", 0] }],
      list: ["TestAccumulationToListNode", { accumulation: ["three", 0] }],
      first: preview("head", 1),
      last: preview("tail", 1),
      all: preview("list"),
    });
    expect([await run.pixels("first"), await run.pixels("last"), await run.pixels("all")]).toEqual([
      [255],
      [0],
      [0, 255, 0],
    ]);
  });

  test("an item that is not there fails under Python's name", async () => {
    const run = await suite.run({
      image: stubImage("BLACK", 8),
      one: ["TestAccumulateNode", { to_add: ["image", 0] }],
      item: ["TestAccumulationGetItemNode", { accumulation: ["one", 0], index: 1 }],
      out: preview("item"),
    });
    expect(run.error?.node).toMatchObject({ nodeId: "item", exceptionType: "IndexError" });
  });
});
