import { nodeErrorsSchema, outputsSchema, promptSchema } from "@rabbitloom/protocol";
import * as z from "zod";
import { exampleId, examplePrompt } from "../comfy/prompt-operations.ts";
import { bytes, json, type Operation } from "../openapi/operation.ts";
import { answerTypes } from "./choose-answer.ts";
import { promptRequestSchema } from "./prompt-request.ts";

const exampleOutputs = {
  "2": { images: [{ filename: "first_00001_.png", subfolder: "", type: "output" }] },
};
const text = (description: string) => ({ description, schema: { type: "string" as const } });

/** A run that failed, as history shows it, with the code of the error table beside it. */
const failedRunSchema = z.looseObject({
  status_str: z.string(),
  completed: z.boolean(),
  messages: z.array(z.unknown()),
  prompt_id: z.string(),
  code: z.string(),
});
const exampleFailure = {
  status_str: "error",
  completed: false,
  messages: [["execution_error", { node_id: "1", exception_message: "boom" }]],
  prompt_id: exampleId,
  code: "NODE_FAILED",
};

const validationProblemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  node_errors: nodeErrorsSchema,
});
const exampleProblem = {
  type: "prompt_outputs_failed_validation",
  title: "An input of a node is missing or wrong.",
  status: 400,
  detail: "Prompt outputs failed validation",
  code: "VALIDATION_FAILED",
  retryable: false,
  node_errors: {},
};

export const submitPrompt: Operation = {
  operationId: "submitPrompt",
  surface: "v1",
  summary: "Runs a workflow",
  description:
    "The body is a graph in API form, a workflow as the editor saves it, or an object with either under `prompt`. `Accept` decides what comes back, `Prefer` how long to wait for it.",
  requestParams: {
    query: z.object({
      prefer: z.string().optional().meta({
        example: "respond-async",
        description: "The same as the header `Prefer`.",
      }),
    }),
    header: z.object({
      Prefer: z.string().optional().meta({
        example: "wait=30",
        description: "`respond-async`, `wait=<seconds>`, `cancel-on-disconnect` (RFC 7240).",
      }),
      "Idempotency-Key": z.string().min(1).max(255).optional().meta({
        example: "order-1",
        description:
          "The same request with the same key makes no second job: it is answered as the first one was.",
      }),
    }),
  },
  requestBody: {
    required: true,
    content: {
      "application/json": {
        schema: z.union([promptRequestSchema, promptSchema, z.record(z.string(), z.unknown())]),
        examples: {
          request: { value: { prompt: examplePrompt, lane: "high" } },
          graph: { value: examplePrompt },
        },
      },
      "multipart/form-data": {
        schema: z
          .looseObject({ prompt: z.string().describe("The same JSON.") })
          .describe("Every other file part is stored in the input folder."),
        example: { prompt: JSON.stringify(examplePrompt), "hills.png": "(a file)" },
      },
    },
  },
  responses: {
    "200": {
      description:
        "It has run. The first saved file of the type that `Accept` likes best, else JSON.",
      headers: {
        Location: text("Where the job is found."),
        Digest: text("SHA-256 of the prompt."),
        "Content-Disposition": text("The file's name, where there is one."),
        "Idempotent-Replayed": text("`true` where an earlier request had the same key."),
      },
      content: {
        ...json(
          z.object({ urls: z.array(z.string()), outputs: outputsSchema, prompt_id: z.string() }),
          {
            urls: ["http://127.0.0.1:8188/view?filename=first_00001_.png&type=output"],
            outputs: exampleOutputs,
            prompt_id: exampleId,
          },
        ),
        ...bytes(...answerTypes.filter((type) => type !== "application/json")),
      },
    },
    "202": {
      description: "Accepted: it is confirmed by the broker, and runs when its turn comes.",
      headers: {
        Location: text("Where to ask for it."),
        "Retry-After": { description: "Seconds.", schema: { type: "integer" } },
        "Preference-Applied": text("What was honoured."),
        "Idempotent-Replayed": text("`true` where an earlier request had the same key."),
      },
      content: json(z.object({ prompt_id: z.string() }), { prompt_id: exampleId }),
    },
    "204": { description: "It has run, and showed nothing." },
    "400": {
      description: "The body or the workflow is wrong.",
      content: {
        "application/problem+json": { schema: validationProblemSchema, example: exampleProblem },
      },
    },
    "500": {
      description: "It has run, and failed.",
      content: json(failedRunSchema, exampleFailure),
    },
  },
  errors: [
    "NOT_ACCEPTABLE",
    "CONFLICT",
    "JOB_EXPIRED",
    "IDEMPOTENCY_IN_FLIGHT",
    "IDEMPOTENCY_KEY_REUSED",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "QUEUE_FULL",
    "BROKER_UNAVAILABLE",
    "STORE_UNAVAILABLE",
    "NO_WORKER",
  ],
};

export const readPrompt: Operation = {
  operationId: "readPrompt",
  surface: "v1",
  summary: "The outputs of a job, once there are any",
  requestParams: { path: z.object({ id: z.string().meta({ example: exampleId }) }) },
  responses: {
    "200": { description: "By node.", content: json(outputsSchema, exampleOutputs) },
    "204": { description: "It waits or runs." },
    "500": { description: "It failed.", content: json(failedRunSchema, exampleFailure) },
  },
  errors: ["NOT_FOUND", "JOB_EXPIRED", "STORE_UNAVAILABLE"],
};

export const readLastPrompt: Operation = {
  operationId: "readLastPrompt",
  surface: "v1",
  summary: "The graph of the last job that ended",
  responses: { "200": { description: "In API form.", content: json(promptSchema, examplePrompt) } },
  errors: ["NOT_FOUND", "STORE_UNAVAILABLE"],
};
