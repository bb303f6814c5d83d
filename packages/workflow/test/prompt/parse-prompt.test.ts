import { expect, test } from "vitest";
import { parsePrompt } from "../../src/index.ts";

test("an object of nodes is API form, one with a list of nodes is UI form", () => {
  expect(parsePrompt({ "1": { class_type: "A", inputs: {} } }).form).toBe("api");
  expect(parsePrompt({ nodes: [], links: [] }).form).toBe("ui");
  expect(parsePrompt({ nodes: { class_type: "A", inputs: {} } }).form).toBe("api");
});

test("what a node carries besides is kept", () => {
  const prompt = {
    "1": { class_type: "A", inputs: { x: ["2", 0] }, _meta: { title: "t" }, is_changed: [1] },
  };
  expect(parsePrompt(prompt)).toEqual({ form: "api", prompt });
});

test.each([
  ["null", null, "A prompt is an object of nodes by id", "got NoneType"],
  ["a text", "abc", "A prompt is an object of nodes by id", "got str"],
  ["a list", [1], "A prompt is an object of nodes by id", "got list"],
  [
    "a node that is a number",
    { "1": 5 },
    "A node is an object with class_type and inputs, got int",
    "Node ID '#1'",
  ],
  [
    "a node without a class",
    { "1": { inputs: {} } },
    "Cannot execute because a node is missing the class_type property.",
    "Node ID '#1'",
  ],
  [
    "a class that is null",
    { "1": { class_type: null } },
    "Cannot execute because node None does not exist.",
    "Node ID '#1'",
  ],
  [
    "inputs that are a list",
    { "1": { class_type: "A", inputs: [] } },
    "The node has not the expected shape",
    "Node ID '#1': inputs: Invalid input: expected record, received array",
  ],
])("%s is refused and named", (_, value, message, details) => {
  expect(parsePrompt(value)).toEqual({
    form: "invalid",
    failure: {
      error: { type: "invalid_prompt", message, details, extra_info: {} },
      node_errors: {},
    },
  });
});

test("an empty list has no outputs, as ComfyUI says", () => {
  expect(parsePrompt([])).toMatchObject({
    form: "invalid",
    failure: { error: { type: "prompt_no_outputs" } },
  });
});

test("__proto__ is no name for a node or an input", () => {
  const id = JSON.parse('{"__proto__": {"class_type": "A", "inputs": {}}}');
  const input = JSON.parse('{"1": {"class_type": "A", "inputs": {"__proto__": {"x": 1}}}}');
  for (const value of [id, input]) {
    expect(parsePrompt(value)).toMatchObject({
      form: "invalid",
      failure: { error: { type: "invalid_prompt" } },
    });
  }
  expect("x" in {}).toBe(false);
});

test("a prompt of too many nodes is refused in either form", () => {
  const node = { class_type: "A", inputs: {} };
  expect(parsePrompt({ a: node, b: node }, { maxNodes: 1 })).toMatchObject({
    failure: { error: { details: "2 nodes, at most 1 are taken" } },
  });
  const ui = {
    nodes: [
      { id: 1, type: "A" },
      { id: 2, type: "A" },
    ],
    links: [],
  };
  expect(parsePrompt(ui, { maxNodes: 1 }).form).toBe("invalid");
});

test("a saved workflow of the wrong shape says where it is wrong", () => {
  expect(parsePrompt({ nodes: [{ id: 1 }], links: [] })).toMatchObject({
    form: "invalid",
    failure: { error: { details: expect.stringContaining("nodes.0") } },
  });
});
