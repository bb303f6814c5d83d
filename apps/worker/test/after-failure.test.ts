import { expect, test } from "vitest";
import { afterFailure } from "../src/jobs/job-runner.ts";

test.each([
  ["ENGINE_CRASHED", 1, { type: "retry", delayMs: 1_000 }],
  ["ENGINE_CRASHED", 3, { type: "retry", delayMs: 4_000 }],
  ["ENGINE_CRASHED", 4, { type: "dead-letter" }],
  ["MODEL_MISSING", 2, { type: "retry", delayMs: 10_000 }],
  ["SILENCE_LIMIT", 1, { type: "retry", delayMs: 1_000 }],
  ["SILENCE_LIMIT", 2, { type: "dead-letter" }],
  ["NODE_FAILED", 1, { type: "dead-letter" }],
  ["A_CODE_OF_LATER", 1, { type: "dead-letter" }],
])(
  "after %s as failure %i of its job, the message is settled by the table",
  (code, faults, expected) => {
    expect(afterFailure(code, faults, 1_000)).toEqual(expected);
  },
);

test("no wait is longer than a minute", () => {
  expect(afterFailure("MODEL_MISSING", 3, 60_000)).toEqual({ type: "retry", delayMs: 60_000 });
});
