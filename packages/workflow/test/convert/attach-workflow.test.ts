import { expect, test } from "vitest";
import { attachWorkflow, parsePrompt } from "../../src/index.ts";

test("the graph that goes along is the file as it came, with everything that conversion does not need", () => {
  const file = {
    nodes: [{ id: 1, type: "A", pos: [1, 2], color: "#fff" }],
    links: [],
    groups: [{ title: "g" }],
  };
  const parsed = parsePrompt(file);
  if (parsed.form !== "ui") throw new Error("not in UI form");
  expect(parsed.source).toBe(file);
  expect(attachWorkflow({ other: 1 }, parsed.source)).toEqual({
    other: 1,
    extra_pnginfo: { workflow: file },
  });
});

test("a graph that was sent along stays, and without one nothing is added", () => {
  const given = { extra_pnginfo: { workflow: { x: 1 }, more: 2 } };
  expect(attachWorkflow(given, { nodes: [] })).toEqual(given);
  expect(attachWorkflow({}, undefined)).toEqual({});
  expect(attachWorkflow({ extra_pnginfo: null }, { x: 1 })).toEqual({
    extra_pnginfo: { workflow: { x: 1 } },
  });
});
