import { expect, test } from "vitest";
import { accepted, refused } from "../support/validate.ts";

test("a good output runs although another one fails", async () => {
  const result = await accepted({
    "1": { class_type: "Plain", inputs: {} },
    "2": { class_type: "Save", inputs: { images: ["1", 0] } },
    "3": { class_type: "Save", inputs: {} },
  });
  expect(result.outputs).toEqual(["2"]);
  expect(Object.keys(result.nodeErrors)).toEqual(["3"]);
  expect(result.nodeErrors["3"]?.dependent_outputs).toEqual(["3"]);
});

test("an error names exactly the outputs that need its node", async () => {
  const failure = await refused({
    "1": { class_type: "Pass", inputs: {} },
    "2": { class_type: "Pass", inputs: { image: ["1", 0] } },
    "3": { class_type: "Save", inputs: { images: ["2", 0] } },
    "4": { class_type: "Save", inputs: { images: ["1", 0] } },
    "5": { class_type: "Save", inputs: {} },
  });
  expect(failure.node_errors["1"]?.dependent_outputs.sort()).toEqual(["3", "4"]);
  expect(failure.node_errors["5"]?.dependent_outputs).toEqual(["5"]);
});

test("only the targets are looked at", async () => {
  const prompt = {
    "1": { class_type: "Plain", inputs: {} },
    "2": { class_type: "Save", inputs: { images: ["1", 0] } },
    "3": { class_type: "Save", inputs: {} },
  };
  expect((await accepted(prompt, { targets: ["2"] })).nodeErrors).toEqual({});
  expect((await accepted(prompt, { targets: null })).outputs).toEqual(["2"]);
  for (const targets of [[], ["1"], ["77"]]) {
    expect((await refused(prompt, { targets })).error.type).toBe("prompt_no_outputs");
  }
});

test("a node without inputs is refused as ComfyUI refuses it", async () => {
  const own = await refused({ "1": { class_type: "Save" } });
  expect(own.node_errors["1"]?.errors[0]).toMatchObject({
    type: "exception_during_validation",
    details: "'inputs'",
  });
  const inner = await refused({
    "1": { class_type: "Plain" },
    "2": { class_type: "Save", inputs: { images: ["1", 0] } },
  });
  expect(inner.node_errors["1"]?.errors[0]).toMatchObject({
    type: "exception_during_inner_validation",
    extra_info: { input_name: "images", exception_type: "KeyError", linked_node: ["1", 0] },
  });
});
