import { expect, test } from "vitest";
import { type CustomCheckRequest, isFloatAt, parseJson } from "../../src/index.ts";
import { catalogOf, nodeInfo } from "../support/catalog.ts";
import { accepted, refused, submitted } from "../support/validate.ts";

const own = catalogOf(
  nodeInfo("Strict", {
    required: { a: ["FLOAT", { min: 0, max: 1 }], b: ["FLOAT"] },
    isOutput: true,
  }),
  nodeInfo("Typed", { required: { a: ["IMAGE,FLOAT"] }, isOutput: true }),
  nodeInfo("Int", { output: ["INT"] }),
);
if (own.Strict !== undefined) own.Strict.validates = "all";
if (own.Typed !== undefined) {
  own.Typed.validates = ["a"];
  own.Typed.validatesTypes = true;
}

test("min and max are left to them, with or without the hook", async () => {
  const prompt = { "1": { class_type: "Strict", inputs: { a: 5, b: 7 } } };
  await accepted(prompt, {}, own);
  await accepted(prompt, { custom: () => true }, own);
});

test("they get coerced literals, null for links, and the types of links", async () => {
  const seen: CustomCheckRequest[] = [];
  const custom = (request: CustomCheckRequest) => {
    seen.push(request);
    return Promise.resolve(true);
  };
  await accepted({ "1": { class_type: "Strict", inputs: { a: "5", b: 1 } } }, { custom }, own);
  await accepted(
    {
      "1": { class_type: "Int", inputs: {} },
      "2": { class_type: "Typed", inputs: { a: ["1", 0] } },
    },
    { custom },
    own,
  );
  expect(seen).toEqual([
    { nodeId: "1", classType: "Strict", inputs: { a: 5, b: 1 }, inputTypes: {} },
    { nodeId: "2", classType: "Typed", inputs: { a: null }, inputTypes: { a: "INT" } },
  ]);
});

test("they can tell 5.0 from 5 where the type does not settle it", async () => {
  const custom = ({ inputs }: CustomCheckRequest) => isFloatAt(inputs, "a");
  const prompt = (literal: string) =>
    submitted(parseJson(`{"1": {"class_type": "Typed", "inputs": {"a": ${literal}}}}`));
  await accepted(prompt("5.0"), { custom }, own);
  await refused(prompt("5"), { custom }, own);
});

test("a complaint is made once for every input they take, and for the types", async () => {
  const strict = await refused(
    { "1": { class_type: "Strict", inputs: { a: 0, b: 7 } } },
    { custom: () => "no sevens" },
    own,
  );
  expect(strict.node_errors["1"]?.errors).toEqual(
    ["a", "b"].map((name) => ({
      type: "custom_validation_failed",
      message: "Custom validation failed for node",
      details: `${name} - no sevens`,
      extra_info: { input_name: name },
    })),
  );
  const typed = await refused(
    { "1": { class_type: "Typed", inputs: { a: 1 } } },
    { custom: () => false },
    own,
  );
  expect(typed.node_errors["1"]?.errors.map(({ details }) => details)).toEqual([
    "a",
    "input_types",
  ]);
});

test("an error they throw is a validation error of their node", async () => {
  const failure = await refused(
    { "1": { class_type: "Strict", inputs: { a: 0, b: 1 } } },
    { custom: () => Promise.reject(new TypeError("cannot compare null")) },
    own,
  );
  expect(failure.node_errors["1"]?.errors[0]).toMatchObject({
    type: "exception_during_validation",
    details: "cannot compare null",
    extra_info: { exception_type: "TypeError" },
  });
});

test("slow checks of many nodes overlap", async () => {
  let running = 0;
  let most = 0;
  const prompt = Object.fromEntries(
    Array.from({ length: 8 }, (_, i) => [
      String(i),
      { class_type: "Strict", inputs: { a: 0, b: i } },
    ]),
  );
  await accepted(
    prompt,
    {
      custom: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return true;
      },
    },
    own,
  );
  expect(most).toBe(8);
});
