import { outputsSchema } from "@rabbitloom/protocol";
import * as z from "zod";
import { json, jsonRequest, type Operation } from "../openapi/operation.ts";
import { exampleId, examplePrompt } from "./prompt-operations.ts";

const queueItemSchema = z
  .array(z.unknown())
  .describe("Number, prompt id, prompt, extra data, ids of the output nodes.");
const exampleItem = [7, exampleId, examplePrompt, { client_id: "me" }, ["2"]];

export const readQueue: Operation = {
  operationId: "comfyQueue",
  surface: "comfy",
  summary: "What runs and what waits",
  responses: {
    "200": {
      description: "Both lists, by number.",
      content: json(
        z.object({
          queue_running: z.array(queueItemSchema),
          queue_pending: z.array(queueItemSchema),
        }),
        { queue_running: [exampleItem], queue_pending: [] },
      ),
    },
  },
  errors: ["STORE_UNAVAILABLE"],
};

const listChangeSchema = z.object({
  clear: z.boolean().optional().describe("All of them."),
  delete: z.array(z.string()).optional().describe("Only these prompts."),
});
const done = { "200": { description: "Done; without a body." } };

export const changeQueue: Operation = {
  operationId: "comfyChangeQueue",
  surface: "comfy",
  summary: "Takes prompts out of the queue",
  description: "Only prompts that still wait; one that has started is left alone.",
  requestBody: jsonRequest(listChangeSchema, { delete: [exampleId] }),
  responses: done,
  errors: ["INVALID_JSON", "INVALID_REQUEST", "STORE_UNAVAILABLE", "BROKER_UNAVAILABLE"],
};

export const interrupt: Operation = {
  operationId: "comfyInterrupt",
  surface: "comfy",
  summary: "Stops what runs",
  description:
    "With `prompt_id` that prompt alone, if it runs; with `clientId` the client's; else everything that runs.",
  requestParams: {
    query: z.object({ clientId: z.string().optional().meta({ example: "me" }) }),
  },
  requestBody: {
    required: false,
    content: json(z.object({ prompt_id: z.string().optional() }), { prompt_id: exampleId }),
  },
  responses: done,
  errors: ["STORE_UNAVAILABLE", "BROKER_UNAVAILABLE"],
};

const historyEntrySchema = z.looseObject({
  prompt: queueItemSchema,
  outputs: outputsSchema,
  status: z.looseObject({
    status_str: z.string(),
    completed: z.boolean(),
    messages: z.array(z.unknown()),
  }),
});
const exampleHistory = {
  [exampleId]: {
    prompt: exampleItem,
    outputs: {
      "2": { images: [{ filename: "first_00001_.png", subfolder: "", type: "output" }] },
    },
    status: { status_str: "success", completed: true, messages: [] },
    meta: {},
  },
};
const historyAnswer = {
  "200": {
    description: "By prompt id; empty where nothing fits.",
    content: json(z.record(z.string(), historyEntrySchema), exampleHistory),
  },
};

/** How `/history` cuts out a part: also what its handler parses with. */
export const historyQuerySchema = z.object({
  max_items: z.coerce.number().int().optional().meta({ example: 10 }),
  offset: z.coerce.number().int().optional().meta({ example: 0 }),
});

export const readHistory: Operation = {
  operationId: "comfyHistory",
  surface: "comfy",
  summary: "What has ended, oldest first",
  requestParams: { query: historyQuerySchema },
  responses: historyAnswer,
  errors: ["INVALID_REQUEST", "STORE_UNAVAILABLE"],
};

export const readHistoryEntry: Operation = {
  operationId: "comfyHistoryEntry",
  surface: "comfy",
  summary: "One prompt that has ended",
  requestParams: { path: z.object({ id: z.string().meta({ example: exampleId }) }) },
  responses: historyAnswer,
  errors: ["STORE_UNAVAILABLE"],
};

export const changeHistory: Operation = {
  operationId: "comfyChangeHistory",
  surface: "comfy",
  summary: "Forgets prompts that have ended",
  requestBody: jsonRequest(listChangeSchema, { delete: [exampleId] }),
  responses: done,
  errors: ["INVALID_JSON", "INVALID_REQUEST", "STORE_UNAVAILABLE"],
};
