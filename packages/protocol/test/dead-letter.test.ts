import { expect, test } from "vitest";
import { jobIdOfMessage } from "../src/index.ts";

test.each([
  ["the body's id comes first", { messageId: "sent", text: '{"jobId":"said"}' }, "said"],
  ["a body without one has the message's", { messageId: "sent", text: "{}" }, "sent"],
  ["a body that is no JSON is nobody's", { messageId: "sent", text: "not a job" }, undefined],
  ["an id that is none is nobody's", { messageId: "sent", text: '{"jobId":"a b"}' }, undefined],
  ["neither names a job", { messageId: undefined, text: "{}" }, undefined],
])("which job a message is of: %s", (_what, message, jobId) => {
  expect(jobIdOfMessage(message)).toBe(jobId);
});
