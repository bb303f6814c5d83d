import { expect, test } from "vitest";
import { validatePrompt } from "../../src/index.ts";
import { catalogOf, nodeInfo } from "../support/catalog.ts";
import { accepted, catalog, refused, source } from "../support/validate.ts";

test("a negative slot counts from the end, and the copy says which output it is", async () => {
  const { prompt } = await accepted({
    "1": { class_type: "Source", inputs: source },
    "2": { class_type: "Save", inputs: { images: ["1", -2] } },
  });
  expect(prompt["2"]?.inputs.images).toEqual(["1", 0]);
});

test.each([
  ["Both", "Both", true],
  ["Plain", "Both", true],
  ["Plain", "Any", true],
  ["Any", "Pass", true],
  ["Both", "Floats", true],
  ["Plain", "Floats", false],
])("an output of %s into %s is fine: %j", async (from, into, isFine) => {
  const inputName = { Both: "value", Any: "value", Pass: "image", Floats: "value" }[into] ?? "";
  const fromInput = { Both: { value: 1.5 }, Any: { value: 1 }, Plain: {} }[from] ?? {};
  const result = await validatePrompt(
    {
      "1": { class_type: from, inputs: fromInput },
      "2": { class_type: into, inputs: { [inputName]: ["1", 0] } },
      "3": {
        class_type: into === "Floats" ? "Floats" : "Save",
        inputs: into === "Floats" ? { value: ["2", 0] } : { images: ["2", 0] },
      },
    },
    {
      ...catalog,
      ...catalogOf(
        nodeInfo("Floats", { required: { value: ["FLOAT"] }, output: ["FLOAT"], isOutput: true }),
      ),
    },
  );
  expect(result.ok).toBe(isFine);
});

test("a broken link below an output is blamed on the node that has it, with the link that led there", async () => {
  const failure = await refused({
    "1": { class_type: "Pass", inputs: { image: ["99", 0] } },
    "2": { class_type: "Save", inputs: { images: ["1", 0] } },
  });
  expect(failure.error.details).toBe("");
  expect(failure.node_errors).toEqual({
    "1": {
      class_type: "Pass",
      dependent_outputs: ["2"],
      errors: [
        {
          type: "exception_during_inner_validation",
          message: "Exception when validating inner node",
          details: "'99'",
          extra_info: {
            input_name: "images",
            input_config: ["IMAGE", {}],
            exception_message: "'99'",
            exception_type: "KeyError",
            traceback: [],
            linked_node: ["1", 0],
          },
        },
      ],
    },
  });
});

test("ids like constructor and __proto__ find no node that is not there", async () => {
  for (const id of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    const failure = await refused({ "2": { class_type: "Save", inputs: { images: [id, 0] } } });
    expect(failure.node_errors["2"]?.errors[0]?.details).toBe(`'${id}'`);
  }
  const failure = await refused({ "1": { class_type: "constructor", inputs: {} } });
  expect(failure.error.type).toBe("invalid_prompt");
});
