import { setTimeout as delay } from "node:timers/promises";
import { defineNode, float } from "@rabbitloom/engine";
import { picture } from "./pictures.ts";

const category = "_for_testing/async";
const WAIT_MS = 50;

/** A link arrives as null, which Python cannot compare with a number. */
async function isAbove(
  value: number | null | undefined,
  limit: number | null | undefined,
): Promise<boolean> {
  await delay(WAIT_MS);
  if (typeof value !== "number" || typeof limit !== "number") {
    throw new TypeError("a link has no value yet, so it cannot be compared");
  }
  return value > limit;
}

export const testAsyncValidation = defineNode({
  name: "TestAsyncValidation",
  displayName: "Test Async Validation",
  category,
  inputs: { value: float({ default: 5 }), threshold: float({ default: 10 }) },
  outputs: ["IMAGE"],
  validate: {
    takes: ["value", "threshold"],
    async check({ value, threshold }) {
      return (await isAbove(value, threshold))
        ? `Value ${value} exceeds threshold ${threshold}`
        : true;
    },
  },
  run: ({ value }) => [picture(value / 10)],
});

export const testAsyncValidationError = defineNode({
  name: "TestAsyncValidationError",
  displayName: "Test Async Validation Error",
  category,
  inputs: { value: float({ default: 5 }), max_value: float({ default: 10 }) },
  outputs: ["IMAGE"],
  validate: {
    takes: ["value", "max_value"],
    async check({ value, max_value }) {
      return (await isAbove(value, max_value))
        ? `Async validation failed: ${value} > ${max_value}`
        : true;
    },
  },
  run: ({ value, max_value }) => [picture(value / max_value)],
});
