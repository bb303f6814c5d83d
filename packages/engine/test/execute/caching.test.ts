import { expect, test } from "vitest";
import { any, defineNode, float } from "../../src/index.ts";
import type { NodeClass } from "../../src/nodes/define-node.ts";
import { createRunner } from "../support/run-graph.ts";
import { sleep, toyNodes } from "../support/toy-nodes.ts";

const chain = (value: number) =>
  ({
    start: ["Number", { value }],
    next: ["Add", { a: ["start", 0], b: 1 }],
    out: ["Show", { value: ["next", 0] }],
  }) as const;

test("a second run computes nothing and still announces its outputs", async () => {
  const { run } = createRunner(toyNodes);
  await run(chain(1));
  const result = await run(chain(1));
  expect(result.outputs).toEqual({ out: { values: [2] } });
  expect(result.events).toEqual([
    { type: "nodes-cached", nodeIds: ["start", "next", "out"] },
    { type: "node-output", nodeId: "out", output: { values: [2] } },
    { type: "node-end", nodeId: "out" },
  ]);
});

test("a changed literal runs its node and everything below, and nothing else", async () => {
  const { run } = createRunner(toyNodes);
  const graph = (b: number) => ({ ...chain(1), next: ["Add", { a: ["start", 0], b }] }) as const;
  await run(graph(1));
  expect((await run(graph(5))).started).toEqual(["next", "out"]);
});

test("equal nodes share one result whatever their ids, also within one run", async () => {
  const { run } = createRunner(toyNodes);
  const result = await run({
    ...chain(1),
    again: ["Number", { value: 1 }],
    nextAgain: ["Add", { b: 1, a: ["again", 0] }],
    outAgain: ["Show", { value: ["nextAgain", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [2] }, outAgain: { values: [2] } });
  expect(result.started).toHaveLength(3);
});

test("equal nodes that wait are called once", async () => {
  const { run } = createRunner(toyNodes);
  const result = await run({
    first: ["Sleep", { value: 1, milliseconds: 5 }],
    second: ["Sleep", { value: 1, milliseconds: 5 }],
    sum: ["Add", { a: ["first", 0], b: ["second", 0] }],
    out: ["Show", { value: ["sum", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [2] } });
  expect(result.started).toHaveLength(3);
});

test("classes that look at their id, or that ask for it, share nothing", async () => {
  const byId: NodeClass = { ...sleep, name: "ById", hidden: { unique_id: "UNIQUE_ID" } };
  const apart: NodeClass = { ...sleep, name: "Apart", notIdempotent: true };
  for (const nodeClass of ["ById", "Apart"]) {
    const result = await createRunner([...toyNodes, byId, apart]).run({
      first: [nodeClass, { value: 1, milliseconds: 1 }],
      second: [nodeClass, { value: 1, milliseconds: 1 }],
      sum: ["Add", { a: ["first", 0], b: ["second", 0] }],
      out: ["Show", { value: ["sum", 0] }],
    });
    expect(result.started).toHaveLength(4);
  }
});

test("isChanged decides whether a node runs again; NaN and a throw always do", async () => {
  let token: unknown = false;
  const changing = defineNode({
    name: "Changing",
    category: "toy",
    inputs: { value: float() },
    outputs: ["FLOAT"],
    isChanged: () => {
      if (token instanceof Error) throw token;
      return token;
    },
    run: ({ value }) => [value],
  });
  const { run } = createRunner([...toyNodes, changing]);
  const graph = {
    a: ["Changing", { value: 1 }],
    out: ["Show", { value: ["a", 0] }],
  } as const;
  const ran = async (value: unknown) => {
    token = value;
    return (await run(graph)).started.length > 0;
  };
  expect(await ran(false)).toBe(true);
  expect(await ran(false)).toBe(false);
  expect(await ran(Number.NaN)).toBe(true);
  expect(await ran(Number.NaN)).toBe(true);
  expect(await ran(new Error("gone"))).toBe(true);
  expect(await ran(Promise.resolve("digest"))).toBe(true);
  expect(await ran(Promise.resolve("digest"))).toBe(false);
});

test("isChanged sees literals, and null for links", async () => {
  const seen: unknown[] = [];
  const looks = defineNode({
    name: "Looks",
    category: "toy",
    inputs: { linked: any(), literal: float(), absent: float({ optional: true }) },
    outputs: [],
    isOutputNode: true,
    isChanged: (inputs) => {
      seen.push({ ...inputs });
      return 0;
    },
    run: () => ({}),
  });
  await createRunner([...toyNodes, looks]).run({
    one: ["Number", { value: 1 }],
    looks: ["Looks", { linked: ["one", 0], literal: 2 }],
  });
  expect(seen).toEqual([{ linked: null, literal: 2 }]);
});

test("the classic cache keeps the latest prompt's results only", async () => {
  const { run, host } = createRunner(toyNodes);
  await run(chain(1));
  await run(chain(2));
  expect(host.cache.size).toBe(3);
  expect((await run(chain(1))).started).toHaveLength(3);
});

test("a cache of N keeps the latest N results over prompts", async () => {
  const { run, host } = createRunner(toyNodes, { cache: { kind: "lru", entries: 6 } });
  await run(chain(1));
  await run(chain(2));
  expect((await run(chain(1))).started).toEqual([]);
  await run(chain(3));
  expect(host.cache.size).toBe(6);
  expect((await run(chain(2))).started).toHaveLength(3);
});

test("a cache with a memory budget drops the least recently used values first", async () => {
  const block = defineNode({
    name: "Megabyte",
    category: "toy",
    inputs: { seed: float() },
    outputs: ["DATA"],
    isOutputNode: true,
    run: () => [{ shape: [262_144], data: new Float32Array(262_144) }],
  });
  const { run, host } = createRunner([block], { cache: { kind: "memory", bytes: 2_500_000 } });
  const graph = (seed: number) => ({ out: ["Megabyte", { seed }] }) as const;
  await run(graph(1));
  await run(graph(2));
  await run(graph(1));
  await run(graph(3));
  expect(host.cache.bytes).toBeLessThan(2_500_000);
  expect((await run(graph(1))).started).toEqual([]);
  expect((await run(graph(2))).started).toEqual(["out"]);
});

test("without a cache every run computes everything", async () => {
  const { run, host } = createRunner(toyNodes, { cache: { kind: "none" } });
  await run(chain(1));
  expect((await run(chain(1))).started).toHaveLength(3);
  expect(host.cache.size).toBe(0);
});

test("what an output node showed in a run that failed is not taken for done", async () => {
  const { run } = createRunner(toyNodes);
  const graph = {
    one: ["Number", { value: 1 }],
    out: ["Show", { value: ["one", 0] }],
    waits: ["Sleep", { value: ["one", 0], milliseconds: 5 }],
    fails: ["Fail", { text: "no", value: ["waits", 0] }],
    bad: ["Show", { value: ["fails", 0] }],
  } as const;
  expect((await run(graph)).outputs).toEqual({ out: { values: [1] } });
  const second = await run(graph);
  expect(second.cached).toEqual(["one", "waits"]);
  expect(second.started).toContain("out");
});

test("state lives as long as prompts keep the node", async () => {
  const counts = defineNode({
    name: "Counts",
    category: "toy",
    inputs: {},
    outputs: [],
    isOutputNode: true,
    isChanged: () => Number.NaN,
    run: (_, { state }) => {
      const count = Number(state.get("count") ?? 0) + 1;
      state.set("count", count);
      return { ui: { count: [count] } };
    },
  });
  const { run } = createRunner([counts]);
  await run({ a: ["Counts"] });
  expect((await run({ a: ["Counts"] })).outputs).toEqual({ a: { count: [2] } });
  await run({ b: ["Counts"] });
  expect((await run({ a: ["Counts"] })).outputs).toEqual({ a: { count: [1] } });
});
