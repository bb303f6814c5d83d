import * as z from "zod";
import { json, type Operation } from "../openapi/operation.ts";
import { jobStatuses } from "./job-item.ts";

export const listQuerySchema = z.object({
  status: z
    .string()
    .transform((text) => text.split(",").map((word) => word.trim().toLowerCase()))
    .pipe(z.array(z.enum(jobStatuses)))
    .default([...jobStatuses])
    .meta({ description: `Several by commas: ${jobStatuses.join(", ")}.`, example: "completed" }),
  workflow_id: z.string().optional(),
  sort_by: z.enum(["created_at", "execution_duration"]).default("created_at"),
  sort_order: z.enum(["asc", "desc"]).default("desc"),
  limit: z.coerce.number().int().min(1).optional(),
  offset: z.coerce.number().int().min(0).default(0),
});

const jobSchema = z.looseObject({
  id: z.string(),
  status: z.enum(jobStatuses),
  priority: z.number(),
  create_time: z.number().meta({ description: "Milliseconds since 1970, as all times here." }),
  outputs_count: z.int(),
});
const example = {
  id: "0b6f8f0e-3c6e-4f5a-9d52-6f1f1f6f0a01",
  status: "completed",
  priority: 3,
  create_time: 1764428400000,
  execution_start_time: 1764428400100,
  execution_end_time: 1764428402100,
  outputs_count: 1,
};
const refusal = (description: string, words: string) => ({
  description,
  content: json(z.object({ error: z.string() }), { error: words }),
});

export const listJobsOperation: Operation = {
  operationId: "comfyJobs",
  surface: "comfy",
  summary: "What waits, runs and has ended, as newer editors list it",
  requestParams: { query: listQuerySchema },
  responses: {
    "200": {
      description: "Newest first, unless asked otherwise.",
      content: json(
        z.object({
          jobs: z.array(jobSchema),
          pagination: z.object({
            offset: z.int(),
            limit: z.int().nullable(),
            total: z.int(),
            has_more: z.boolean(),
          }),
        }),
        { jobs: [example], pagination: { offset: 0, limit: 20, total: 1, has_more: false } },
      ),
    },
    "400": refusal("A parameter means nothing.", "query.limit: expected number"),
  },
};

export const readJobOperation: Operation = {
  operationId: "comfyJob",
  surface: "comfy",
  summary: "One job with its graph, and what it made once it has ended",
  requestParams: { path: z.object({ id: z.string().meta({ example: example.id }) }) },
  responses: {
    "200": { description: "The job.", content: json(jobSchema, example) },
    "404": refusal("Nobody knows the job, or its record is no longer kept.", "Job not found"),
  },
};
