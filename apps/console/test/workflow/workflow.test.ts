import { expect, test } from "vitest";
import { examples } from "../../src/workflow/examples.ts";
import { readWorkflow, workflowBody, workflowText } from "../../src/workflow/workflow.ts";

const prompt = { "1": { class_type: "EmptyImage", inputs: { width: 8 }, _meta: { title: "A" } } };

test("the API form is read bare and inside a request's body, with what else its nodes carry", () => {
  for (const value of [prompt, { prompt, client_id: "x" }]) {
    expect(readWorkflow(JSON.stringify(value))).toEqual({ form: "api", prompt });
  }
});

test("a graph whose node is called prompt is not taken for a request's body", () => {
  const odd = { prompt: { class_type: "EmptyImage", inputs: {} } };
  expect(readWorkflow(JSON.stringify(odd))).toEqual({ form: "api", prompt: odd });
});

test("what the editor saves is passed on as it is", () => {
  const saved = { nodes: [{ id: 1, type: "EmptyImage" }], links: [], version: 0.4 };
  const workflow = readWorkflow(JSON.stringify(saved));
  expect(workflow.form).toBe("editor");
  expect(workflowBody(workflow)).toEqual(saved);
});

test("a workflow that is written out and read again is the same", () => {
  const workflow = readWorkflow(JSON.stringify(prompt));
  expect(readWorkflow(workflowText(workflow))).toEqual(workflow);
});

test("seeds of 64 bits and floats that are whole stay what they were", () => {
  const inputs = '"inputs":{"seed":18446744073709551615,"cfg":8.0,"steps":20}';
  const text = `{"1":{"class_type":"KSampler",${inputs}}}`;
  expect(workflowText(readWorkflow(text)).replaceAll(/\s/g, "")).toBe(text);
});

test.each([
  ["", "The text is empty."],
  ["{", "This is not JSON: line 1"],
  ["[1]", "This is JSON, but not a workflow: an object is expected."],
  ["{}", "This workflow has no nodes."],
  ['{"1": {"inputs": {}}}', "not a workflow: 1 › class_type"],
  ['{"1": 5}', "not a workflow: 1"],
])("%j is refused with what is wrong", (text, message) => {
  expect(() => readWorkflow(text)).toThrow(message);
});

test.each(examples)("the example $name is a workflow", ({ prompt: example }) => {
  expect(readWorkflow(JSON.stringify(example)).form).toBe("api");
});
