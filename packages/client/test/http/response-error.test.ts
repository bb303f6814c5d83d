import { expect, test } from "vitest";
import { errorFromResponse } from "../../src/http/response-error.ts";
import { json } from "../support/fake-gateway.ts";

const reason = {
  type: "value_smaller_than_min",
  message: "Value 0 smaller than min of 1",
  details: "width",
  extra_info: { input_name: "width" },
};
const nodeErrors = {
  "1": { errors: [reason], dependent_outputs: ["2"], class_type: "EmptyImage" },
};

test("problem+json keeps its code, its words and the complaints about nodes", async () => {
  const response = json(400, {
    type: "about:blank",
    title: "An input of a node is missing or wrong.",
    status: 400,
    code: "VALIDATION_FAILED",
    detail: "node 1: width",
    node_errors: nodeErrors,
  });
  expect(await errorFromResponse(response, "POST /api/v1/prompts")).toMatchObject({
    code: "VALIDATION_FAILED",
    message: "POST /api/v1/prompts: node 1: width",
    details: { status: 400, nodeErrors },
  });
});

test("ComfyUI's error body becomes the code of its type", async () => {
  const error = {
    type: "prompt_outputs_failed_validation",
    message: "Prompt outputs failed validation",
    details: "",
    extra_info: {},
  };
  expect(
    await errorFromResponse(json(400, { error, node_errors: nodeErrors }), "POST /prompt"),
  ).toMatchObject({
    code: "VALIDATION_FAILED",
    message: "POST /prompt: Prompt outputs failed validation",
    details: { nodeErrors },
  });
  const noPrompt = { ...error, type: "no_prompt", message: "No prompt provided", details: "empty" };
  expect(
    await errorFromResponse(json(400, { error: noPrompt, node_errors: {} }), "POST /prompt"),
  ).toMatchObject({ code: "INVALID_PROMPT", message: "POST /prompt: No prompt provided: empty" });
});

test.each([
  [404, "NOT_FOUND"],
  [409, "CONFLICT"],
  [410, "JOB_EXPIRED"],
  [413, "PAYLOAD_TOO_LARGE"],
  [429, "RATE_LIMITED"],
  [502, "CONNECTION_LOST"],
  [500, "INTERNAL"],
  [418, "INTERNAL"],
])("status %i without a body that tells more is %s", async (status, code) => {
  const response = new Response("<html>", { status, statusText: "Odd" });
  expect(await errorFromResponse(response, "GET /x")).toMatchObject({
    code,
    message: "GET /x: Odd",
    details: { status },
  });
});

test("a code of a newer gateway stays readable beside the one its status means", async () => {
  const response = json(429, { code: "TOO_NEW", detail: "later" }, { "retry-after": "7" });
  expect(await errorFromResponse(response, "GET /x")).toMatchObject({
    code: "RATE_LIMITED",
    details: { code: "TOO_NEW", retryAfterSeconds: 7 },
  });
});
