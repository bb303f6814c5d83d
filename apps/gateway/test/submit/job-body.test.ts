import { JOB_DEPTH, jobMessageSchema, MOST_JOB_BYTES } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { jobBody } from "../../src/submit/job-body.ts";

function messageWith(value: unknown) {
  const prompt = { "1": { class_type: "A", inputs: { value } } };
  return { ...jobMessageSchema.parse({ prompt }), jobId: "j" };
}

test.each([
  ["of one text", "x".repeat(MOST_JOB_BYTES)],
  ["of characters of several bytes", "\u00e9".repeat(MOST_JOB_BYTES / 2)],
  ["of many texts", Array(1_000).fill("x".repeat(100_000))],
])("a message %s that is over what a worker reads is refused by its size", (_what, value) => {
  expect(() => jobBody(messageWith(value))).toThrow(
    expect.objectContaining({
      code: "LIMIT_EXCEEDED",
      message: expect.stringContaining(`may have ${MOST_JOB_BYTES} bytes, got `),
    }),
  );
});

test("a message nests as deep as a worker reads, and no deeper", () => {
  // Message, prompt, node and inputs are four levels.
  const nested = (depth: number): unknown => (depth === 4 ? 1 : [nested(depth - 1)]);
  expect(jobBody(messageWith(nested(JOB_DEPTH)))).toContain("[[[1]]]");
  expect(() => jobBody(messageWith(nested(JOB_DEPTH + 1)))).toThrow(
    expect.objectContaining({
      code: "INVALID_REQUEST",
      message: expect.stringContaining("may nest 256 levels deep, and nests deeper"),
    }),
  );
});
