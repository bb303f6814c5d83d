import { jobIdSchema, nodeErrorsSchema, promptSchema } from "@rabbitloom/protocol";
import * as z from "zod";
import { json, jsonRequest, type Operation } from "../openapi/operation.ts";

/** What the tests and the document show wherever a graph is wanted. */
export const examplePrompt = {
  "1": { class_type: "EmptyImage", inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
  "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "first" } },
};
export const exampleId = "9d0f7b3e-6f0c-4b36-8a5e-2f1c0d9b7a41";

export const readQueueSize: Operation = {
  operationId: "comfyQueueSize",
  surface: "comfy",
  summary: "How many prompts wait or run",
  responses: {
    "200": {
      description: "The number.",
      content: json(z.object({ exec_info: z.object({ queue_remaining: z.int() }) }), {
        exec_info: { queue_remaining: 2 },
      }),
    },
  },
  errors: ["STORE_UNAVAILABLE"],
};

export const postPrompt: Operation = {
  operationId: "comfyPostPrompt",
  surface: "comfy",
  summary: "Takes a prompt in",
  description:
    "Answers when the broker has confirmed the job. The prompt may be in the editor's form too.",
  requestBody: jsonRequest(
    z.object({
      prompt: z.union([promptSchema, z.record(z.string(), z.unknown())]),
      prompt_id: jobIdSchema.nullish(),
      client_id: z.string().max(256).nullish(),
      number: z.number().optional(),
      front: z.boolean().optional(),
      extra_data: z.record(z.string(), z.unknown()).nullish(),
      partial_execution_targets: z.array(z.string()).nullish(),
    }),
    { prompt: examplePrompt, client_id: "me" },
  ),
  responses: {
    "200": {
      description:
        "Accepted. `node_errors` names outputs that were left out because they are wrong.",
      content: json(
        z.object({ prompt_id: jobIdSchema, number: z.number(), node_errors: nodeErrorsSchema }),
        { prompt_id: exampleId, number: 7, node_errors: {} },
      ),
    },
  },
  errors: [
    "INVALID_JSON",
    "INVALID_REQUEST",
    "INVALID_PROMPT",
    "VALIDATION_FAILED",
    "CONFLICT",
    "PAYLOAD_TOO_LARGE",
    "QUEUE_FULL",
    "BROKER_UNAVAILABLE",
    "STORE_UNAVAILABLE",
    "NO_WORKER",
  ],
};
