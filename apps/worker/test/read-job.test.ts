import { topology } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { readJob } from "../src/jobs/read-job.ts";

const names = topology({ prefix: "t" });

function read(text: string, messageId?: string) {
  const body = Buffer.from(text);
  const delivery = { body, messageId, queue: names.jobs.queue("high", "gpu") };
  return readJob(delivery, { names, pool: "gpu" });
}

test("a bare prompt is a job under the message's id, in the lane that it came from", () => {
  const { message } = read('{"prompt":{"1":{"class_type":"A","inputs":{}}},"lane":"low"}', "m-1");

  expect(message).toMatchObject({ jobId: "m-1", lane: "high", pool: "gpu", extraData: {} });
});

test("the prompt goes on as it was written: every digit, and floats as floats", () => {
  const prompt = '{"1":{"class_type":"A","inputs":{"seed":18446744073709551615,"cfg":7.0}}}';

  expect(read(`{"jobId":"j","prompt":${prompt}}`).promptJson).toBe(prompt);
});

test.each([
  ["{", "INVALID_JSON"],
  ['{"jobId":"j"}', "INVALID_REQUEST"],
  ['{"jobId":"a b","prompt":{}}', "INVALID_REQUEST"],
  ['{"prompt":{}}', "INVALID_REQUEST"],
  ['{"jobId":"j","prompt":{"1":{"inputs":{}}}}', "INVALID_REQUEST"],
])("%s is no job: %s", (text, code) => {
  expect(() => read(text)).toThrow(expect.objectContaining({ code }));
});
