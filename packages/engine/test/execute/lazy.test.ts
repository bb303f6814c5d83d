import { expect, test } from "vitest";
import { defineNode, float } from "../../src/index.ts";
import { createRunner } from "../support/run-graph.ts";
import { toyNodes } from "../support/toy-nodes.ts";

const graph = (share: number) =>
  ({
    first: ["Number", { value: 10 }],
    second: ["Number", { value: 20 }],
    share: ["Number", { value: share }],
    mix: ["Choose", { first: ["first", 0], second: ["second", 0], share: ["share", 0] }],
    out: ["Show", { value: ["mix", 0] }],
  }) as const;

test("a lazy input that nobody asks for is not computed", async () => {
  const result = await createRunner(toyNodes).run(graph(0));
  expect(result.outputs).toEqual({ out: { values: [10] } });
  expect(result.started).toEqual(["share", "mix", "first", "mix", "out"]);
});

test("a node that asks for lazy inputs is called again from the start when they are there", async () => {
  const result = await createRunner(toyNodes).run(graph(0.5));
  expect(result.outputs).toEqual({ out: { values: [15] } });
  expect(result.started.filter((id) => id === "mix")).toHaveLength(2);
});

test("what one entry of a list asks for is computed for all entries", async () => {
  const result = await createRunner(toyNodes).run({
    ...graph(0),
    share: ["Range", { count: 2 }],
  });
  expect(result.outputs).toEqual({ out: { values: [10, 20] } });
});

test("literal lazy inputs are there from the beginning", async () => {
  const result = await createRunner(toyNodes).run({
    mix: ["Choose", { first: 1, second: 2, share: 1 }],
    out: ["Show", { value: ["mix", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [2] } });
  expect(result.started).toEqual(["mix", "out"]);
});

test("asking for an input that is no link ends in an error that names the node", async () => {
  const asksWrong = defineNode({
    name: "AsksWrong",
    category: "toy",
    inputs: { value: float({ lazy: true, optional: true }) },
    outputs: ["FLOAT"],
    checkLazyStatus: () => ["nothing"],
    run: () => [0],
  });
  const result = await createRunner([...toyNodes, asksWrong]).run({
    bad: ["AsksWrong", {}],
    out: ["Show", { value: ["bad", 0] }],
  });
  expect(result).toMatchObject({
    state: "failed",
    error: { node: { nodeId: "bad", exceptionType: "NodeInputError" } },
  });
  expect(result.error?.message).toContain('"nothing"');
});

test("a class that never asks gets null for lazy inputs", async () => {
  const neverAsks = defineNode({
    name: "NeverAsks",
    category: "toy",
    inputs: { value: float({ lazy: true }) },
    outputs: ["STRING"],
    run: ({ value }) => [String(value)],
  });
  const result = await createRunner([...toyNodes, neverAsks]).run({
    one: ["Number", { value: 1 }],
    never: ["NeverAsks", { value: ["one", 0] }],
    out: ["Show", { value: ["never", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: ["null"] } });
  expect(result.started).not.toContain("one");
});

test("a lazy input that was not asked for reads null even where another node has computed it", async () => {
  const result = await createRunner(toyNodes).run({
    ...graph(0),
    second: ["Range", { count: 3 }],
    alsoNeedsSecond: ["Show", { value: ["second", 0] }],
  });
  expect(result.outputs).toMatchObject({ out: { values: [10] } });
});

test("a node whose lazy inputs are all there starts once", async () => {
  const { run } = createRunner(toyNodes);
  await run(graph(0.5));
  const result = await run({
    ...graph(0.5),
    share: ["Add", { a: 0.25, b: 0.25 }],
  });
  expect(result.outputs).toEqual({ out: { values: [15] } });
  expect(result.started).toEqual(["share", "mix", "out"]);
});
