import { expect, test } from "vitest";
import { createRunner } from "../support/run-graph.ts";
import { toyNodes } from "../support/toy-nodes.ts";

test("a blocked value skips the nodes below it in silence", async () => {
  const result = await createRunner(toyNodes).run({
    block: ["Block", { value: 1, when: true }],
    below: ["Add", { a: ["block", 0], b: 1 }],
    out: ["Show", { value: ["below", 0] }],
  });
  expect(result).toMatchObject({ state: "succeeded", outputs: {} });
  expect(result.events.map(({ type }) => type)).not.toContain("node-output");
  expect(result.events.map(({ type }) => type)).not.toContain("node-blocked");
});

test("only the blocked entries of a list are skipped", async () => {
  const result = await createRunner(toyNodes).run({
    three: ["Range", { count: 3 }],
    test: ["Choose", { first: 0, second: 1, share: ["three", 0] }],
    block: ["Block", { value: ["three", 0], when: ["three", 0] }],
    out: ["Show", { value: ["block", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [0] } });
});

test("a blocker with a message is reported once, by the first node that receives it", async () => {
  const result = await createRunner(toyNodes).run({
    block: ["Block", { value: 1, when: true, message: "not today" }],
    first: ["Add", { a: ["block", 0], b: 1 }],
    second: ["Add", { a: ["first", 0], b: 1 }],
    out: ["Show", { value: ["second", 0] }],
  });
  expect(result.state).toBe("succeeded");
  expect(result.events.filter(({ type }) => type === "node-blocked")).toEqual([
    {
      type: "node-blocked",
      nodeId: "first",
      nodeType: "Add",
      message: "not today",
      executed: ["block"],
    },
  ]);
});

test("one blocked entry blocks the whole call of a node that takes lists", async () => {
  const result = await createRunner(toyNodes).run({
    two: ["Range", { count: 2 }],
    block: ["Block", { value: ["two", 0], when: ["two", 0] }],
    sum: ["Sum", { values: ["block", 0] }],
    out: ["Show", { value: ["sum", 0] }],
  });
  expect(result).toMatchObject({ state: "succeeded", outputs: {} });
});
