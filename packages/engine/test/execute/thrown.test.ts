import { CodedError } from "@rabbitloom/protocol";
import { describe, expect, test } from "vitest";
import { defineNode } from "../../src/index.ts";
import { receiveError, sendError } from "../../src/process/sent-error.ts";
import { createRunner } from "../support/run-graph.ts";

const trapped = () =>
  new Proxy(new Error("hidden"), {
    get() {
      throw new Error("a trap");
    },
  });
const things: readonly (readonly [string, () => unknown, string])[] = [
  ["null", () => null, "null"],
  ["undefined", () => undefined, "undefined"],
  ["a text", () => "just a text", "just a text"],
  ["a symbol", () => Symbol("s"), "Symbol(s)"],
  ["an object without a prototype", () => Object.create(null), "what was thrown has no text"],
  ["an object that throws when read", trapped, "what was thrown has no text"],
  ["an error whose message is no text", () => Object.assign(new Error(), { message: 5 }), "5"],
];

describe.each(things)("a node that throws %s", (_what, thing, text) => {
  const thrower = defineNode({
    name: "Thrower",
    category: "toy",
    inputs: {},
    outputs: [],
    isOutputNode: true,
    run: () => {
      throw thing();
    },
  });

  test("fails like any other, and is named", async () => {
    const result = await createRunner([thrower]).run({ out: ["Thrower"] });
    expect(result.state).toBe("failed");
    expect(result.error).toMatchObject({
      code: "NODE_FAILED",
      message: text,
      node: { nodeId: "out", nodeType: "Thrower" },
    });
    expect(JSON.parse(JSON.stringify(result.error))).toEqual(result.error);
  });

  test("can be told to another process", () => {
    expect(receiveError(sendError(thing())).message).toBe(text);
  });
});

test("a message of megabytes is shortened", async () => {
  const shouter = defineNode({
    name: "Shouter",
    category: "toy",
    inputs: {},
    outputs: [],
    isOutputNode: true,
    run: () => {
      throw new Error("x".repeat(30_000_000));
    },
  });
  const { error } = await createRunner([shouter]).run({ out: ["Shouter"] });
  expect(error?.message).toMatch(/^x{16384} \.\.\. \(30000000 characters\)$/);
  expect(JSON.stringify(error).length).toBeLessThan(100_000);
  expect(sendError(new Error("x".repeat(30_000_000))).stack.length).toBeLessThan(20_000);
});

test("a coded error that is for good is so in another process, too", () => {
  const options = { details: { neededBytes: 7 }, isRetryable: false };
  const error = new CodedError("DEVICE_OUT_OF_MEMORY", "too large", options);
  expect(receiveError(sendError(error))).toMatchObject({ code: error.code, ...options });
  const passing = new CodedError("DEVICE_OUT_OF_MEMORY", "not now");
  expect(receiveError(sendError(passing))).toMatchObject({ isRetryable: true });
});
