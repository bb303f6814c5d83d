import { expect, test } from "vitest";
import { any, defineNode, float, int } from "../../src/index.ts";
import { createRunner } from "../support/run-graph.ts";
import { toyNodes } from "../support/toy-nodes.ts";

test("an expansion runs under its node, with ids of parent, call, graph and number", async () => {
  const result = await createRunner(toyNodes).run({
    many: ["AddMany", { a: 5, times: 2 }],
    out: ["Show", { value: ["many", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [7] } });
  expect(result.started).toEqual(["many", "many.0.0.2", "many.0.0.3", "out"]);
  expect(
    result.events.find((event) => event.type === "node-start" && event.nodeId === "many.0.0.2"),
  ).toEqual({
    type: "node-start",
    nodeId: "many.0.0.2",
    displayNodeId: "many",
    parentNodeId: "many",
    realNodeId: "many",
  });
});

test("each entry of a list expands by itself", async () => {
  const result = await createRunner(toyNodes).run({
    three: ["Range", { count: 3 }],
    many: ["AddMany", { a: ["three", 0], times: 1 }],
    out: ["Show", { value: ["many", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [1, 2, 3] } });
  expect(result.started).toContain("many.2.0.2");
});

test("a node may expand to itself, a thousand times over", async () => {
  const result = await createRunner(toyNodes).run({
    count: ["CountDown", { from: 1000 }],
    out: ["Show", { value: ["count", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [500_500] } });
});

test("a cached node does not expand again", async () => {
  const { run } = createRunner(toyNodes);
  const graph = {
    many: ["AddMany", { a: 5, times: 2 }],
    out: ["Show", { value: ["many", 0] }],
  } as const;
  await run(graph);
  expect((await run(graph)).started).toEqual([]);
});

test("output nodes inside an expansion run and show", async () => {
  const shows = defineNode({
    name: "Shows",
    category: "toy",
    inputs: { value: float() },
    outputs: ["FLOAT"],
    run: ({ value }, context) => {
      const graph = context.graphBuilder();
      graph.node("Show", { value });
      return { result: [value], expand: graph.finalize() };
    },
  });
  const result = await createRunner([...toyNodes, shows]).run({
    shows: ["Shows", { value: 3 }],
    out: ["Show", { value: ["shows", 0] }],
  });
  expect(result.outputs).toEqual({ "shows.0.0.1": { values: [3] }, out: { values: [3] } });
});

test("a copy can be shown under a node of the user's graph", async () => {
  const shown = defineNode({
    name: "ShownElsewhere",
    category: "toy",
    inputs: { value: any() },
    outputs: ["*"],
    run: ({ value }, context) => {
      const graph = context.graphBuilder();
      const copy = graph.node("Add", { a: value, b: 1 }, "copy");
      copy.setDisplayId("one");
      return { result: [copy.out(0)], expand: graph.finalize() };
    },
  });
  const result = await createRunner([...toyNodes, shown]).run({
    one: ["Number", { value: 1 }],
    shown: ["ShownElsewhere", { value: ["one", 0] }],
    out: ["Show", { value: ["shown", 0] }],
  });
  expect(result.events).toContainEqual({
    type: "node-start",
    nodeId: "shown.0.0.copy",
    displayNodeId: "one",
    parentNodeId: "shown",
    realNodeId: "shown",
  });
});

test("expansions that close a circle end in an error that names their node and the circle", async () => {
  const circle = defineNode({
    name: "Circle",
    category: "toy",
    inputs: { value: float() },
    outputs: ["FLOAT"],
    run: (_, context) => {
      const graph = context.graphBuilder();
      const first = graph.node("Add", { b: 1 });
      const second = graph.node("Add", { a: first.out(0), b: 1 });
      first.setInput("a", second.out(0));
      return { result: [second.out(0)], expand: graph.finalize() };
    },
  });
  const result = await createRunner([...toyNodes, circle]).run({
    circle: ["Circle", { value: 1 }],
    out: ["Show", { value: ["circle", 0] }],
  });
  expect(result).toMatchObject({
    state: "failed",
    error: {
      code: "GRAPH_CYCLE",
      node: { nodeId: "circle", exceptionType: "graph.DependencyCycleError" },
    },
  });
  expect(result.error?.message).toContain('"circle.0.0.1"');
  expect(result.error?.message).toContain('"circle.0.0.2"');
});

test("an expansion that takes an id which exists is refused", async () => {
  const twice = defineNode({
    name: "Twice",
    category: "toy",
    inputs: {},
    outputs: ["FLOAT"],
    run: () => ({ result: [["out", 0]], expand: { out: { class_type: "Number", inputs: {} } } }),
  });
  const result = await createRunner([...toyNodes, twice]).run({
    twice: ["Twice"],
    out: ["Show", { value: ["twice", 0] }],
  });
  expect(result.error).toMatchObject({ code: "NODE_FAILED", node: { nodeId: "twice" } });
  expect(result.error?.message).toContain('"out"');
});

test("expansions without end are stopped", async () => {
  const endless = defineNode({
    name: "Endless",
    category: "toy",
    inputs: { from: int() },
    outputs: ["INT"],
    run: ({ from }, context) => {
      const graph = context.graphBuilder("");
      for (let index = 0; index < 1000; index++)
        graph.node("Number", { value: 1 }, `${from}-${index}`);
      const next = graph.node("Endless", { from: from + 1 }, `next-${from}`);
      return { result: [next.out(0)], expand: graph.finalize() };
    },
  });
  const result = await createRunner([...toyNodes, endless], { maxExpandedNodes: 5000 }).run({
    endless: ["Endless", { from: 0 }],
    out: ["Show", { value: ["endless", 0] }],
  });
  expect(result.error).toMatchObject({ code: "LIMIT_EXCEEDED", node: { nodeId: "endless" } });
});

test("a loop of expansions costs the same at every turn: ids do not grow for ever", async () => {
  const result = await createRunner([...toyNodes, selfSame], { maxExpandedNodes: 3000 }).run({
    loop: ["SelfSame"],
    out: ["Show", { value: ["loop", 0] }],
  });
  expect(result.error).toMatchObject({ code: "LIMIT_EXCEEDED", node: { nodeId: "loop" } });
  expect(result.started.length).toBeGreaterThan(3000);
  expect(new Set(result.started).size).toBe(result.started.length);
  expect(Math.max(...result.started.map((id) => id.length))).toBeLessThan(300);
});

test("a loop of expansions has the same ids in every run", async () => {
  const start = () =>
    createRunner([...toyNodes, selfSame], { maxExpandedNodes: 200 }).run({
      loop: ["SelfSame"],
      out: ["Show", { value: ["loop", 0] }],
    });
  const [first, second] = [await start(), await start()];
  expect(first.started).toEqual(second.started);
});

test("an expansion of very many nodes at once runs", async () => {
  const wide = defineNode({
    name: "Wide",
    category: "toy",
    inputs: {},
    outputs: ["FLOAT"],
    run: (_inputs, context) => {
      const graph = context.graphBuilder();
      const last = graph.node("Number", { value: 7 });
      for (let index = 0; index < 150_000; index++) graph.node("Number", { value: index });
      return { result: [last.out(0)], expand: graph.finalize() };
    },
  });
  const result = await createRunner([...toyNodes, wide], { maxExpandedNodes: 200_000 }).run({
    wide: ["Wide"],
    out: ["Show", { value: ["wide", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [7] } });
});

const selfSame = defineNode({
  name: "SelfSame",
  category: "toy",
  inputs: {},
  outputs: ["INT"],
  notIdempotent: true,
  run: (_inputs, context) => {
    const graph = context.graphBuilder();
    const next = graph.node("SelfSame");
    return { result: [next.out(0)], expand: graph.finalize() };
  },
});
