import { any, boolean, combo, defineNode, float, int, string } from "@rabbitloom/engine";
import { ZeroDivisionError } from "./errors.ts";
import { isTensor } from "./pictures.ts";

const category = "Testing/Logic";

const wholeNumber = int({ default: 0, min: -(2 ** 64), max: 2 ** 64, step: 1 });
const number = float({ default: 0, min: -999_999_999_999, max: 999_999_999_999, step: 1 });
/** Not the literal "INT": results beyond 2^53 are bigint, which that type would not allow. */
const INTEGER: string = "INT";
const COMPARISONS = ["==", "!=", "<", ">", "<=", ">="] as const;

/** Python's arithmetic on integers of any size: quotients are floored, remainders have the divisor's sign. */
export const testIntMathOperation = defineNode({
  name: "TestIntMathOperation",
  displayName: "Int Math Operation",
  category,
  inputs: {
    a: wholeNumber,
    b: wholeNumber,
    operation: combo(["add", "subtract", "multiply", "divide", "modulo", "power"]),
  },
  outputs: [INTEGER],
  run({ a, b, operation }) {
    const [x, y] = [BigInt(a), BigInt(b)];
    switch (operation) {
      case "add":
        return [plain(x + y)];
      case "subtract":
        return [plain(x - y)];
      case "multiply":
        return [plain(x * y)];
      case "divide":
        return [plain(floorDivide(x, y))];
      case "modulo":
        return [plain(x - floorDivide(x, y) * y)];
      case "power":
        return [y < 0n ? Number(x) ** Number(y) : plain(x ** y)];
    }
  },
});

function floorDivide(x: bigint, y: bigint): bigint {
  if (y === 0n) throw new ZeroDivisionError("integer division or modulo by zero");
  const quotient = x / y;
  const isInexact = quotient * y !== x;
  return isInexact && x < 0n !== y < 0n ? quotient - 1n : quotient;
}

/** A number as long as it holds every digit. */
function plain(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function compare<Value extends number | string>(
  a: Value,
  b: Value,
  operation: (typeof COMPARISONS)[number],
): boolean {
  switch (operation) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case ">":
      return a > b;
    case "<=":
      return a <= b;
    case ">=":
      return a >= b;
  }
}

export const testIntConditions = defineNode({
  name: "TestIntConditions",
  displayName: "Int Condition",
  category,
  inputs: { a: wholeNumber, b: wholeNumber, operation: combo(COMPARISONS) },
  outputs: ["BOOLEAN"],
  run: ({ a, b, operation }) => [compare(a, b, operation)],
});

export const testFloatConditions = defineNode({
  name: "TestFloatConditions",
  displayName: "Float Condition",
  category,
  inputs: { a: number, b: number, operation: combo(COMPARISONS) },
  outputs: ["BOOLEAN"],
  run: ({ a, b, operation }) => [compare(a, b, operation)],
});

export const testStringConditions = defineNode({
  name: "TestStringConditions",
  displayName: "String Condition",
  category,
  inputs: {
    a: string({ multiline: false }),
    b: string({ multiline: false }),
    operation: combo([
      "a == b",
      "a != b",
      "a IN b",
      "a MATCH REGEX(b)",
      "a BEGINSWITH b",
      "a ENDSWITH b",
    ]),
    case_sensitive: boolean({ default: true }),
  },
  outputs: ["BOOLEAN"],
  run({ a: givenA, b: givenB, operation, case_sensitive }) {
    const [a, b] = case_sensitive ? [givenA, givenB] : [givenA.toLowerCase(), givenB.toLowerCase()];
    switch (operation) {
      case "a == b":
        return [a === b];
      case "a != b":
        return [a !== b];
      case "a IN b":
        return [b.includes(a)];
      case "a MATCH REGEX(b)":
        return [matchesAtStart(a, b)];
      case "a BEGINSWITH b":
        return [a.startsWith(b)];
      case "a ENDSWITH b":
        return [a.endsWith(b)];
    }
  },
});

/** A pattern that cannot be read matches nothing. */
function matchesAtStart(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, "y").test(text);
  } catch {
    return false;
  }
}

/** A picture is false when it is black all over; everything else by Python's truth: "" and empty lists are false. */
export const testToBoolNode = defineNode({
  name: "TestToBoolNode",
  displayName: "To Bool",
  category,
  inputs: { value: any(), invert: boolean({ default: false, optional: true }) },
  outputs: ["BOOLEAN"],
  run: ({ value, invert = false }) => [isTrue(value) !== invert],
});

function isTrue(value: unknown): boolean {
  if (isTensor(value)) return value.data.some((each) => each !== 0);
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Number.isNaN(value) || Boolean(value);
}

export const testBoolOperationNode = defineNode({
  name: "TestBoolOperationNode",
  displayName: "Bool Operation",
  category,
  inputs: { a: boolean(), b: boolean(), op: combo(["a AND b", "a OR b", "a XOR b", "NOT a"]) },
  outputs: ["BOOLEAN"],
  run({ a, b, op }) {
    switch (op) {
      case "a AND b":
        return [a && b];
      case "a OR b":
        return [a || b];
      case "a XOR b":
        return [a !== b];
      case "NOT a":
        return [!a];
    }
  },
});
