import {
  jobStateSchema,
  jobViewSchema,
  tagsSchema,
  watchTicketSchema,
  webhookDeliverySchema,
} from "@rabbitloom/protocol";
import * as z from "zod";
import { exampleId } from "../comfy/prompt-operations.ts";
import { json, type Operation } from "../openapi/operation.ts";

export const listQuerySchema = z.object({
  state: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(jobStateSchema))
    .optional()
    .meta({ example: "pending,running", description: "States, by commas." }),
  tag: z
    .union([z.string(), z.array(z.string())])
    .transform((given) => [given].flat().flatMap((text) => text.split(",")))
    .pipe(tagsSchema)
    .optional()
    .meta({
      example: "shop",
      description: "Only jobs with this tag; several, by commas or repeated, must all be there.",
    }),
  limit: z.coerce.number().int().min(1).max(1_000).default(100).meta({ example: 20 }),
  offset: z.coerce.number().int().min(0).default(0).meta({ example: 0 }),
});

export const eventsQuerySchema = z.object({
  after: z.string().optional().meta({
    example: "17",
    description: "Go on behind this event; `Last-Event-ID` says the same.",
  }),
  previews: z.stringbool().default(true).meta({ example: "false" }),
});

const exampleJob = {
  id: exampleId,
  state: "running",
  attempt: 1,
  workerId: "worker-1",
  tenant: "default",
  lane: "normal",
  pool: "default",
  tags: ["shop"],
  submittedAt: "2026-01-01T12:00:00.000Z",
  startedAt: "2026-01-01T12:00:01.000Z",
  lastSeq: 4,
};
const params = { path: z.object({ id: z.string().meta({ example: exampleId }) }) };
const job = json(jobViewSchema, exampleJob);
const unknownJob = ["NOT_FOUND", "JOB_EXPIRED", "STORE_UNAVAILABLE"] as const;

export const listJobs: Operation = {
  operationId: "listJobs",
  surface: "v1",
  summary: "Jobs of the fleet",
  description: "Running ones, then those that wait, then ended ones with the newest first.",
  requestParams: { query: listQuerySchema },
  responses: {
    "200": {
      description: "One page.",
      content: json(
        z.object({
          jobs: z.array(jobViewSchema),
          pagination: z.object({
            offset: z.int(),
            limit: z.int(),
            total: z.int(),
            hasMore: z.boolean(),
          }),
        }),
        { jobs: [exampleJob], pagination: { offset: 0, limit: 20, total: 1, hasMore: false } },
      ),
    },
  },
  errors: ["INVALID_REQUEST", "STORE_UNAVAILABLE"],
};

export const readJob: Operation = {
  operationId: "readJob",
  surface: "v1",
  summary: "One job",
  requestParams: params,
  responses: { "200": { description: "As it is now.", content: job } },
  errors: unknownJob,
};

export const postCancel: Operation = {
  operationId: "cancelJob",
  surface: "v1",
  summary: "Cancels a job, whether it waits or runs",
  requestParams: params,
  responses: {
    "200": { description: "It has ended.", content: job },
    "202": { description: "Its worker still has to stop it.", content: job },
  },
  errors: [...unknownJob, "CONFLICT", "BROKER_UNAVAILABLE"],
};

export const postWatch: Operation = {
  operationId: "watchJob",
  surface: "v1",
  summary: "A ticket for reading the job's events over STOMP",
  requestParams: params,
  responses: {
    "200": {
      description: "What to connect with, and where to subscribe.",
      content: json(watchTicketSchema, {
        url: "ws://127.0.0.1:8188/stomp",
        host: "/",
        login: `job.${exampleId}`,
        passcode: "(a signed token)",
        destination: `/amq/queue/loom.reply.${exampleId}`,
        headers: { ack: "client-individual", "prefetch-count": "100", "x-stream-offset": "first" },
        expiresAt: "2026-01-01T12:03:00.000Z",
        lastSeq: 4,
      }),
    },
  },
  errors: [...unknownJob, "BROKER_UNAVAILABLE"],
};

export const readEvents: Operation = {
  operationId: "readJobEvents",
  surface: "v1",
  summary: "The job's events, as server-sent events",
  requestParams: {
    ...params,
    query: eventsQuerySchema,
    header: z.object({ "Last-Event-ID": z.string().optional().meta({ example: "17" }) }),
  },
  responses: {
    "200": {
      description:
        "Each event's `data` is JSON as the AsyncAPI document says it; its `id` is the cursor.",
      content: {
        "text/event-stream": {
          example: 'id: 1\nevent: job-start\ndata: {"type":"job-start","seq":1}\n\n',
        },
      },
    },
  },
  errors: [...unknownJob, "INVALID_REQUEST", "TOO_MANY_STREAMS", "BROKER_UNAVAILABLE"],
};

export const readWebhookLog: Operation = {
  operationId: "readWebhookLog",
  surface: "v1",
  summary: "How telling the job's webhook went",
  requestParams: params,
  responses: {
    "200": {
      description: "Every try so far, and when the next one is due.",
      content: json(
        z.object({
          nextAt: z.iso.datetime().optional(),
          deliveries: z.array(webhookDeliverySchema),
        }),
        {
          nextAt: "2026-01-01T12:00:10.000Z",
          deliveries: [
            {
              event: "job.succeeded",
              try: 1,
              at: "2026-01-01T12:00:05.000Z",
              durationMs: 12,
              status: 503,
              isDelivered: false,
            },
          ],
        },
      ),
    },
  },
  errors: unknownJob,
};
