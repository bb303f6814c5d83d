import fc from "fast-check";
import { expect, test } from "vitest";
import type { CachePolicy } from "../../src/execute/result-cache.ts";
import { createRunner, type ShortGraph } from "../support/run-graph.ts";
import { toyNodes } from "../support/toy-nodes.ts";

/** What one node of a random graph does with nodes before it; indices are taken modulo their number. */
type Operation =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "add"; readonly a: number; readonly b: number }
  | { readonly kind: "choose"; readonly a: number; readonly b: number; readonly share: 0 | 0.5 | 1 }
  | { readonly kind: "sleep"; readonly a: number }
  | { readonly kind: "add-many"; readonly a: number; readonly times: number }
  | { readonly kind: "spread"; readonly a: number; readonly count: number };

const index = fc.nat(30);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant("number" as const), value: fc.integer({ min: -9, max: 9 }) }),
  fc.record({ kind: fc.constant("add" as const), a: index, b: index }),
  fc.record({
    kind: fc.constant("choose" as const),
    a: index,
    b: index,
    share: fc.constantFrom(0 as const, 0.5 as const, 1 as const),
  }),
  fc.record({ kind: fc.constant("sleep" as const), a: index }),
  fc.record({
    kind: fc.constant("add-many" as const),
    a: index,
    times: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    kind: fc.constant("spread" as const),
    a: index,
    count: fc.integer({ min: 1, max: 2 }),
  }),
);
const operations = fc.array(operation, { minLength: 1, maxLength: 12 });

const policies: readonly CachePolicy[] = [
  { kind: "classic" },
  { kind: "none" },
  { kind: "lru", entries: 3 },
  { kind: "memory", bytes: 500 },
];

/** The graph of the operations; each shows its value. With `isInlined`, expansions are written out. */
function graphOf(list: readonly Operation[], isInlined = false): ShortGraph {
  const graph: Record<string, readonly [string, Record<string, unknown>]> = {
    origin: ["Number", { value: 1 }],
  };
  for (const [position, item] of list.entries()) {
    const id = `n${position}`;
    const from = (at: number) => {
      const source = at % (position + 1);
      return source === 0 ? ["origin", 0] : [`n${source - 1}`, 0];
    };
    switch (item.kind) {
      case "number":
        graph[id] = ["Number", { value: item.value }];
        break;
      case "add":
        graph[id] = ["Add", { a: from(item.a), b: from(item.b) }];
        break;
      case "choose":
        graph[id] = ["Choose", { first: from(item.a), second: from(item.b), share: item.share }];
        break;
      case "sleep":
        graph[id] = ["Sleep", { value: from(item.a), milliseconds: 0 }];
        break;
      case "spread":
        graph[`${id}range`] = ["Range", { count: item.count }];
        graph[id] = ["Add", { a: from(item.a), b: [`${id}range`, 0] }];
        break;
      case "add-many":
        if (!isInlined) {
          graph[id] = ["AddMany", { a: from(item.a), times: item.times }];
          break;
        }
        for (let time = 1; time <= item.times; time++) {
          const before = time === 1 ? from(item.a) : [`${id}step${time - 1}`, 0];
          graph[time === item.times ? id : `${id}step${time}`] = ["Add", { a: before, b: 1 }];
        }
    }
    graph[`${id}out`] = ["Show", { value: [id, 0] }];
  }
  return graph;
}

/** What the operations come to, computed without any graph: a list for each. */
function expected(list: readonly Operation[]): Record<string, unknown> {
  const values: number[][] = [[1]];
  for (const [position, item] of list.entries()) {
    const of = (at: number) => values[at % (position + 1)] ?? [];
    values.push(computed(item, of));
  }
  return Object.fromEntries(
    values.slice(1).map((value, position) => [`n${position}out`, { values: value }]),
  );
}

function computed(item: Operation, of: (at: number) => number[]): number[] {
  switch (item.kind) {
    case "number":
      return [item.value];
    case "add":
      return mapped(of(item.a), of(item.b), (a, b) => a + b);
    case "choose":
      // What is not asked for does not count, not even the length of its list.
      if (item.share === 0) return of(item.a);
      if (item.share === 1) return of(item.b);
      return mapped(of(item.a), of(item.b), (a, b) => (a + b) / 2);
    case "sleep":
      return of(item.a);
    case "spread":
      return mapped(
        of(item.a),
        Array.from({ length: item.count }, (_, number) => number),
        (a, b) => a + b,
      );
    case "add-many":
      return of(item.a).map((a) => a + item.times);
  }
}

function mapped(a: number[], b: number[], combine: (a: number, b: number) => number): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, at) =>
    combine(a[Math.min(at, a.length - 1)] ?? 0, b[Math.min(at, b.length - 1)] ?? 0),
  );
}

function shuffled(graph: ShortGraph, order: readonly number[]): ShortGraph {
  return Object.fromEntries(
    Object.entries(graph)
      .map((entry, position) => ({ entry, rank: order[position % order.length] ?? 0 }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ entry }) => entry),
  );
}

test("any acyclic graph gives what its operations come to, whatever the order of its nodes and the cache", async () => {
  await fc.assert(
    fc.asyncProperty(
      operations,
      fc.array(fc.nat(), { minLength: 1 }),
      fc.constantFrom(...policies),
      async (list, order, cache) => {
        const { run } = createRunner(toyNodes, { cache });
        const graph = shuffled(graphOf(list), order);
        const wanted = expected(list);
        expect((await run(graph)).outputs).toEqual(wanted);
        // Cached as far as the policy goes, and after the memory of another prompt's results.
        expect((await run(graph)).outputs).toEqual(wanted);
        await run({ other: ["Number", { value: 1 }], out: ["Show", { value: ["other", 0] }] });
        expect((await run(graph)).outputs).toEqual(wanted);
      },
    ),
    { numRuns: 150 },
  );
});

test("an expansion and the same nodes written out give the same", async () => {
  await fc.assert(
    fc.asyncProperty(operations, async (list) => {
      const expanded = await createRunner(toyNodes).run(graphOf(list));
      const inlined = await createRunner(toyNodes).run(graphOf(list, true));
      expect(expanded.outputs).toEqual(inlined.outputs);
    }),
    { numRuns: 80 },
  );
});

test("each output alone gives what it gives among all", async () => {
  await fc.assert(
    fc.asyncProperty(operations, fc.nat(), async (list, at) => {
      const id = `n${at % list.length}out`;
      const result = await createRunner(toyNodes).run(graphOf(list), { outputs: [id] });
      expect(result.outputs[id]).toEqual(expected(list)[id]);
      expect(Object.keys(result.outputs)).toEqual([id]);
    }),
    { numRuns: 80 },
  );
});

test("nodes start only after everything they need has ended", async () => {
  await fc.assert(
    fc.asyncProperty(operations, async (list) => {
      const graph = graphOf(list);
      const { events } = await createRunner(toyNodes, { cache: { kind: "none" } }).run(graph);
      const ended = new Set<string>();
      for (const event of events) {
        if (event.type === "node-end") ended.add(event.nodeId);
        if (event.type !== "node-start") continue;
        const [nodeClass, inputs = {}] = graph[event.nodeId] ?? [];
        if (nodeClass === "Choose") continue;
        for (const value of Object.values(inputs)) {
          if (Array.isArray(value)) expect(ended).toContain(value[0]);
        }
      }
    }),
    { numRuns: 80 },
  );
});
