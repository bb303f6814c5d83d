import { custom, defineNode, float, isFloatAt } from "@rabbitloom/engine";
import { broadcast, isTensor, picture, scaled } from "./pictures.ts";
import { variantTypes } from "./variant-types.ts";

const category = "Testing/Nodes";
const NAMES = ["input1", "input2"] as const;

const either = { input1: custom("IMAGE,FLOAT"), input2: custom("IMAGE,FLOAT") };
const floats = { input1: float(), input2: float() };

type Checked = Readonly<Record<string, unknown>>;

/** A literal must have been written as a float; a link arrives as null and passes. */
function literalsAreFloats(inputs: Checked): true | string {
  for (const name of NAMES) {
    const value = inputs[name];
    if (value === null || value === undefined || isTensor(value) || isFloatAt(inputs, name))
      continue;
    return `Invalid type of ${name}: ${typeof value}`;
  }
  return true;
}

function product(a: unknown, b: unknown) {
  if (typeof a === "number" && typeof b === "number") return picture(a * b);
  if (isTensor(a) && isTensor(b)) return broadcast([a, b], ([x = 0, y = 0]) => x * y);
  if (isTensor(a) && typeof b === "number") return scaled(a, b);
  if (isTensor(b) && typeof a === "number") return scaled(b, a);
  throw new TypeError(`cannot multiply ${typeof a} by ${typeof b}`);
}

export const testCustomValidation1 = defineNode({
  name: "TestCustomValidation1",
  displayName: "Custom Validation 1",
  category,
  inputs: either,
  outputs: ["IMAGE"],
  validate: { takes: NAMES, check: literalsAreFloats },
  run: ({ input1, input2 }) => [product(input1, input2)],
});

export const testCustomValidation2 = defineNode({
  name: "TestCustomValidation2",
  displayName: "Custom Validation 2",
  category,
  inputs: either,
  outputs: ["IMAGE"],
  validate: {
    takes: NAMES,
    takesTypes: true,
    check(inputs, { inputTypes }) {
      for (const [name, type] of Object.entries(inputTypes)) {
        if (type !== "IMAGE" && type !== "FLOAT") return `Invalid type of ${name}: ${type}`;
      }
      return literalsAreFloats(inputs);
    },
  },
  run: ({ input1, input2 }) => [product(input1, input2)],
});

export const testCustomValidation3 = defineNode({
  name: "TestCustomValidation3",
  displayName: "Custom Validation 3",
  category,
  inputs: either,
  outputs: ["IMAGE"],
  validate: variantTypes(either),
  run: ({ input1, input2 }) => [product(input1, input2)],
});

export const testCustomValidation4 = defineNode({
  name: "TestCustomValidation4",
  displayName: "Custom Validation 4",
  category,
  inputs: floats,
  outputs: ["IMAGE"],
  validate: { takes: NAMES, check: literalsAreFloats },
  run: ({ input1, input2 }) => [product(input1, input2)],
});

const unit = { input1: float({ min: 0, max: 1 }), input2: float({ min: 0, max: 1 }) };

export const testCustomValidation5 = defineNode({
  name: "TestCustomValidation5",
  displayName: "Custom Validation 5",
  category,
  inputs: unit,
  outputs: ["IMAGE"],
  validate: {
    takes: "all",
    check: ({ input2 }) => (input2 === 7 ? "7 is not taken for input2" : true),
  },
  run: ({ input1, input2 }) => [product(input1, input2)],
});
