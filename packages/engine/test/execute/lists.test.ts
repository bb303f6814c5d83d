import { expect, test } from "vitest";
import { mergeUi } from "../../src/execute/node-return.ts";
import { any, defineNode, float } from "../../src/index.ts";
import { createRunner } from "../support/run-graph.ts";
import { toyNodes } from "../support/toy-nodes.ts";

test("a node runs once for each entry, and shorter lists repeat their last", async () => {
  const result = await createRunner(toyNodes).run({
    three: ["Range", { count: 3 }],
    two: ["Range", { count: 2 }],
    sum: ["Add", { a: ["three", 0], b: ["two", 0] }],
    out: ["Show", { value: ["sum", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [0, 2, 3] } });
});

test("a node that takes lists is called once, with every input as a list", async () => {
  const seen: unknown[] = [];
  const takesLists = defineNode({
    name: "TakesLists",
    category: "toy",
    inputs: { values: float(), factor: float() },
    hidden: { unique_id: "UNIQUE_ID" },
    inputIsList: true,
    outputs: [],
    isOutputNode: true,
    run: (inputs) => {
      seen.push({ ...inputs });
      return {};
    },
  });
  await createRunner([...toyNodes, takesLists]).run({
    three: ["Range", { count: 3 }],
    out: ["TakesLists", { values: ["three", 0], factor: 2 }],
  });
  expect(seen).toEqual([{ values: [0, 1, 2], factor: [2], unique_id: ["out"] }]);
});

test("an array that is not declared as a list stays one value", async () => {
  const result = await createRunner(toyNodes).run({
    three: ["Range", { count: 3 }],
    out: ["Show", { value: ["three", 1] }],
  });
  expect(result.outputs).toEqual({ out: { values: [[0, 1, 2]] } });
});

test("a list output that is no list ends in an error that names the output", async () => {
  const wrong = defineNode({
    name: "Wrong",
    category: "toy",
    inputs: {},
    outputs: [{ type: "ANY", isList: true }],
    run: () => [JSON.parse("5")],
  });
  const result = await createRunner([...toyNodes, wrong]).run({
    wrong: ["Wrong"],
    out: ["Show", { value: ["wrong", 0] }],
  });
  expect(result.error).toMatchObject({ code: "NODE_FAILED", node: { nodeId: "wrong" } });
  expect(result.error?.message).toContain("output 0");
});

test("an empty list beside a value ends in an error that names the input", async () => {
  const result = await createRunner(toyNodes).run({
    none: ["Range", { count: 0 }],
    sum: ["Add", { a: ["none", 0], b: 1 }],
    out: ["Show", { value: ["sum", 0] }],
  });
  expect(result.error?.message).toContain('input "a" got an empty list');
});

test("linked inputs that the class does not declare arrive apart, literals do not", async () => {
  const average = defineNode({
    name: "Average",
    category: "toy",
    inputs: { input1: any() },
    outputs: ["FLOAT"],
    run: ({ input1 }, { undeclared }) => {
      const values = [input1, ...Object.values(undeclared)].map(Number);
      return [values.reduce((total, value) => total + value, 0) / values.length];
    },
  });
  const result = await createRunner([...toyNodes, average]).run({
    a: ["Number", { value: 1 }],
    b: ["Number", { value: 3 }],
    mean: ["Average", { input1: ["a", 0], input2: ["b", 0], constructor: ["b", 0], input9: 100 }],
    out: ["Show", { value: ["mean", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [7 / 3] } });
});

test("what many calls show is joined in time that grows with their number only", () => {
  const call = { outputs: [], ui: { text: ["x"], constructor: [1] }, expand: null };
  const shown = mergeUi(Array.from({ length: 150_000 }, () => call));
  expect(shown?.text).toHaveLength(150_000);
  expect(shown?.constructor).toHaveLength(150_000);
});
