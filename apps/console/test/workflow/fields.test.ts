import type { NodeInfo } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { nodeForms, withValue } from "../../src/workflow/fields.ts";
import { readWorkflow, workflowText } from "../../src/workflow/workflow.ts";

function info(name: string, required: NonNullable<NodeInfo["input"]["required"]>): NodeInfo {
  return {
    input: { required },
    input_order: {},
    output: [],
    output_is_list: [],
    output_name: [],
    name,
    display_name: `${name} shown`,
    description: "",
    python_module: "nodes",
    category: "",
    output_node: false,
  };
}

const infos = {
  KSampler: info("KSampler", {
    model: ["MODEL"],
    steps: ["INT", { min: 1, max: 100, step: 1 }],
    sampler_name: [["euler", "heun"]],
    scheduler: ["COMBO", { options: ["karras", "normal"] }],
    text: ["STRING", { multiline: true }],
    add_noise: ["BOOLEAN"],
  }),
  LoadImage: info("LoadImage", { image: [["a.png", "b.png"], { image_upload: true }] }),
};

const workflow = readWorkflow(
  JSON.stringify({
    "1": { class_type: "LoadImage", inputs: { image: "a.png" } },
    "2": {
      class_type: "KSampler",
      _meta: { title: "Sample" },
      inputs: {
        model: ["1", 0],
        steps: 20,
        sampler_name: "euler",
        scheduler: "karras",
        text: "a cat",
        add_noise: true,
        unknown: "x",
      },
    },
    "3": { class_type: "Elsewhere", inputs: { amount: 0.5, name: "n", on: false } },
  }),
);

test("every value gets the control that its declaration asks for, links get none", () => {
  const [load, sample] = nodeForms(workflow, infos);
  expect(load).toEqual({
    id: "1",
    title: "LoadImage shown",
    classType: "LoadImage",
    fields: [
      { name: "image", value: "a.png", control: { kind: "image", choices: ["a.png", "b.png"] } },
    ],
  });
  expect(sample?.title).toBe("Sample");
  expect(sample?.fields.map(({ name, control }) => [name, control])).toEqual([
    ["steps", { kind: "number", min: 1, max: 100, step: 1 }],
    ["sampler_name", { kind: "choice", choices: ["euler", "heun"] }],
    ["scheduler", { kind: "choice", choices: ["karras", "normal"] }],
    ["text", { kind: "text", isLong: true }],
    ["add_noise", { kind: "switch" }],
    ["unknown", { kind: "text", isLong: true }],
  ]);
});

test("a class that the fleet does not describe is edited by the types of its values", () => {
  expect(nodeForms(workflow, {})[2]?.fields.map(({ control }) => control.kind)).toEqual([
    "number",
    "text",
    "switch",
  ]);
  expect(nodeForms(workflow, {})[0]?.fields[0]?.control.kind).toBe("image");
});

test("changing a value leaves the rest of the workflow and the old one as they were", () => {
  const changed = withValue(workflow, { nodeId: "2", name: "steps", value: 30 });
  const steps = (of: typeof workflow) =>
    nodeForms(of, infos)[1]?.fields.find(({ name }) => name === "steps")?.value;
  expect([steps(workflow), steps(changed)]).toEqual([20, 30]);
  expect(withValue(changed, { nodeId: "2", name: "steps", value: 20 })).toEqual(workflow);
});

test("in the editor's form the picture of a LoadImage node can be changed", () => {
  const saved = readWorkflow(
    JSON.stringify({
      nodes: [
        { id: 7, type: "LoadImage", title: "Source", widgets_values: ["a.png", "image"] },
        { id: 8, type: "KSampler", widgets_values: [1, "fixed"] },
      ],
    }),
  );
  expect(nodeForms(saved, infos)).toMatchObject([
    { id: "7", title: "Source", fields: [{ name: "image", value: "a.png" }] },
    { id: "8", fields: [] },
  ]);
  const changed = withValue(saved, { nodeId: "7", name: "image", value: "b.png" });
  expect(changed).toMatchObject({
    saved: { nodes: [{ widgets_values: ["b.png", "image"] }, { widgets_values: [1, "fixed"] }] },
  });
});

test("a number that is changed is what was typed, the others stay floats or whole as they were", () => {
  const text = '{"1":{"class_type":"X","inputs":{"cfg":8.0,"steps":20,"seed":1}}}';
  const changes = [
    { nodeId: "1", name: "steps", value: 30 },
    { nodeId: "1", name: "seed", value: 2n ** 64n - 1n },
  ];
  const changed = changes.reduce(withValue, readWorkflow(text));
  expect(workflowText(changed)).toContain('"cfg": 8.0');
  expect(workflowText(changed)).toContain('"steps": 30,');
  expect(workflowText(changed)).toContain('"seed": 18446744073709551615');
  const float = withValue(changed, { nodeId: "1", name: "steps", value: 5, isFloat: true });
  expect(workflowText(float)).toContain('"steps": 5.0');
});
