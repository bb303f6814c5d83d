import { expect, test } from "vitest";
import { defineNode, string } from "../../src/index.ts";
import { createRunner } from "../support/run-graph.ts";
import { toyNodes } from "../support/toy-nodes.ts";

test("a prompt runs each needed node once, sources first, and tells what outputs show", async () => {
  const { run } = createRunner(toyNodes);
  const result = await run({
    sum: ["Add", { a: ["one", 0], b: ["one", 0] }],
    one: ["Number", { value: 1 }],
    unneeded: ["Number", { value: 9 }],
    out: ["Show", { value: ["sum", 0] }],
  });
  expect(result).toMatchObject({ state: "succeeded", outputs: { out: { values: [2] } } });
  expect(result.events).toEqual([
    { type: "nodes-cached", nodeIds: [] },
    { type: "node-start", nodeId: "one" },
    { type: "node-end", nodeId: "one" },
    { type: "node-start", nodeId: "sum" },
    { type: "node-end", nodeId: "sum" },
    { type: "node-start", nodeId: "out" },
    { type: "node-output", nodeId: "out", output: { values: [2] } },
    { type: "node-end", nodeId: "out" },
  ]);
});

test("a chain of 10,000 nodes runs", async () => {
  const { run } = createRunner(toyNodes);
  const length = 10_000;
  const graph = Object.fromEntries(
    Array.from({ length }, (_, index) => [
      `n${index}`,
      index === 0
        ? (["Number", { value: 1 }] as const)
        : (["Add", { a: [`n${index - 1}`, 0], b: 1 }] as const),
    ]),
  );
  const result = await run({ ...graph, out: ["Show", { value: [`n${length - 1}`, 0] }] });
  expect(result.outputs).toEqual({ out: { values: [length] } });
  expect(result.started).toHaveLength(length + 1);
});

test("only the asked-for outputs and what they need run", async () => {
  const { run } = createRunner(toyNodes);
  const result = await run(
    {
      a: ["Number", { value: 1 }],
      b: ["Number", { value: 2 }],
      outA: ["Show", { value: ["a", 0] }],
      outB: ["Show", { value: ["b", 0] }],
    },
    { outputs: ["outB"] },
  );
  expect(result.started).toEqual(["b", "outB"]);
});

test("a negative slot counts from the end, and one that is not there reads as null", async () => {
  const { run } = createRunner(toyNodes);
  const result = await run({
    range: ["Range", { count: 2 }],
    last: ["Show", { value: ["range", -1] }],
    none: ["Show", { value: ["range", 7] }],
  });
  expect(result.outputs).toEqual({ last: { values: [[0, 1]] }, none: { values: [null] } });
});

test("a list literal travels wrapped", async () => {
  const { run } = createRunner(toyNodes);
  const result = await run({ out: ["Show", { value: { __value__: ["7", 0] } }] });
  expect(result.outputs).toEqual({ out: { values: [["7", 0]] } });
});

test("a node that returns what cannot be an output is told what was expected and what came", async () => {
  const circle: unknown[] = [];
  circle.push(circle);
  const returned: Record<string, unknown> = {
    circle: { ui: { text: circle } },
    text: "picture",
    named: { images: [] },
    single: { result: 5 },
    unlisted: { ui: { text: "hello" } },
    callable: { ui: { text: [{ say: () => "hello" }] } },
    graph: { result: [], expand: { a: { inputs: {} } } },
  };
  const returns = defineNode({
    name: "Returns",
    category: "toy",
    inputs: { what: string() },
    outputs: [],
    isOutputNode: true,
    run: ({ what }) => JSON.parse("[0]").concat(returned[what]).at(1),
  });
  const problems: Record<string, string> = {};
  for (const what of Object.keys(returned)) {
    const { error } = await createRunner([returns]).run({ out: ["Returns", { what }] });
    expect(error).toMatchObject({ code: "NODE_FAILED", node: { nodeId: "out" } });
    problems[what] = error?.message.split("it returned ")[1] ?? "";
  }
  expect(problems).toEqual({
    circle: 'a ui whose "text" holds itself',
    text: "a string",
    named: 'an object with "images"',
    single: "a result that is a number",
    unlisted: 'a ui whose "text" is not a list',
    callable: 'a ui whose "text" holds a function',
    graph: "an expand that is not a graph of nodes",
  });
});

test("progress that is no finite number counts as 0", async () => {
  const divides = defineNode({
    name: "Divides",
    category: "toy",
    inputs: {},
    outputs: [],
    isOutputNode: true,
    run: (_, context) => {
      context.progress(Number.NaN, Number.POSITIVE_INFINITY);
      context.progress(1, 2);
      return {};
    },
  });
  const { state, events } = await createRunner([divides]).run({ out: ["Divides"] });
  expect(state).toBe("succeeded");
  const said = events.flatMap((event) =>
    event.type === "node-progress" ? [[event.value, event.max]] : [],
  );
  expect(said).toEqual([
    [0, 0],
    [1, 2],
  ]);
});
