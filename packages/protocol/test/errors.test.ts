import { expect, test } from "vitest";
import { CodedError, errorCodes, isCodedError, isErrorCode } from "../src/index.ts";

test("an unknown thing that was thrown becomes INTERNAL and keeps its cause", () => {
  const cause = new TypeError("x is not a function");
  const error = CodedError.from(cause);
  expect(error).toMatchObject({ code: "INTERNAL", message: "x is not a function", cause });
});

test("a coded error passes through unchanged, also from another copy of the package", () => {
  const foreign = Object.assign(new Error("full"), { code: "QUEUE_FULL" });
  expect(CodedError.from(foreign)).toBe(foreign);
  expect(isCodedError(foreign)).toBe(true);
});

test("whether trying again helps is a property of the code", () => {
  expect(new CodedError("QUEUE_FULL", "").isRetryable).toBe(true);
  expect(new CodedError("INVALID_PROMPT", "").isRetryable).toBe(false);
});

test("a single failure can be for good although its code is not, but never the other way round", () => {
  expect(new CodedError("QUEUE_FULL", "", { isRetryable: false }).isRetryable).toBe(false);
  expect(new CodedError("INVALID_PROMPT", "", { isRetryable: true }).isRetryable).toBe(false);
});

test("a word that objects inherit is not a code", () => {
  expect(isErrorCode("toString")).toBe(false);
  expect(isErrorCode("__proto__")).toBe(false);
});

test("every code is in capitals and has one sentence", () => {
  for (const [code, { summary }] of Object.entries(errorCodes)) {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(summary).toMatch(/^[A-Z].*\.$/);
  }
});
