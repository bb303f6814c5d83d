/** What each route of Comfy API v2 says of itself in the OpenAPI document. */
import * as z from "zod";
import { json, jsonRequest, type Operation } from "../openapi/operation.ts";
import { v2WebhookSchema } from "./read-submission.ts";
import { fromHashSchema, v2AssetSchema, v2JobSchema, v2StatusSchema } from "./schemas.ts";

const surface = "v2";
const id = "5f1c8f0e-6c1d-4c55-9f0e-3d1b8f3c2a10";
const hash = `blake3:${"af13".repeat(16)}`;
const at = "2026-01-01T12:00:00.000Z";

const exampleJob = {
  id,
  status: "queued",
  created_at: at,
  started_at: null,
  completed_at: null,
  expires_at: at,
  queue_position: 1,
  progress: null,
  outputs: [],
  error: null,
  metrics: { queue_ms: null, execution_ms: null },
  urls: {
    self: `/api/v2/jobs/${id}`,
    events: `/api/v2/jobs/${id}/events`,
    cancel: `/api/v2/jobs/${id}/cancel`,
  },
};

const exampleAsset = {
  id,
  hash,
  size_bytes: 1234,
  content_type: "image/png",
  file_path: "photo.png",
  created_new: true,
  created_at: at,
  url: `https://loom.example.org/api/v2/assets/${id}/content`,
  url_expires_at: at,
  expires_at: null,
};

const exampleWorkflow = {
  "1": { class_type: "EmptyImage", inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
  "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "v2" } },
};

const workflowSchema = z.record(z.string(), z.unknown());
const job = (description: string) => ({ description, content: json(v2JobSchema, exampleJob) });
const asset = (description: string) => ({
  description,
  content: json(v2AssetSchema, exampleAsset),
});
const byJob = { path: z.object({ id: z.string().meta({ example: id }) }) };
const byAsset = { path: z.object({ id: z.string().meta({ example: id }) }) };

/** Members besides these are refused; reserved ones with words of their own. */
export const postJobV2: Operation = {
  operationId: "v2CreateJob",
  surface,
  summary: "Run a workflow in API form",
  description:
    'Files are named by `{"__type": "core/ASSET", "info": {"id": "..."}}` at any depth, or by their path in the input folder.',
  requestParams: {
    header: z.object({
      "idempotency-key": z.string().optional().meta({
        description: "Serves once; `Prefer: idempotent-replay` answers with the first job.",
      }),
      prefer: z.string().optional().meta({ example: "idempotent-replay" }),
    }),
  },
  requestBody: jsonRequest(
    z.object({
      workflow: workflowSchema,
      extra_data: z.strictObject({ api_key_comfy_org: z.string().optional() }).optional(),
      ...v2WebhookSchema.shape,
    }),
    { workflow: exampleWorkflow },
  ),
  responses: { "201": job("Confirmed by the broker: it will run.") },
  errors: [
    "INVALID_JSON",
    "INVALID_REQUEST",
    "INVALID_PROMPT",
    "WORKFLOW_FORMAT",
    "ASSET_MISSING",
    "LIMIT_EXCEEDED",
    "PAYLOAD_TOO_LARGE",
    "IDEMPOTENCY_IN_FLIGHT",
    "IDEMPOTENCY_KEY_REUSED",
    "QUEUE_FULL",
    "NO_WORKER",
    "BROKER_UNAVAILABLE",
    "STORE_UNAVAILABLE",
  ],
};

export const listJobsV2: Operation = {
  operationId: "v2ListJobs",
  surface,
  summary: "Jobs, newest first",
  requestParams: {
    query: z.object({
      status: z
        .string()
        .optional()
        .meta({
          description: `Several by commas: ${v2StatusSchema.options.join(", ")}.`,
          example: "queued,running",
        }),
      limit: z.coerce.number().int().min(1).max(100).default(50).meta({ example: 50 }),
    }),
  },
  responses: {
    "200": {
      description: "At most `limit` of them.",
      content: json(z.object({ jobs: z.array(v2JobSchema) }), { jobs: [exampleJob] }),
    },
  },
  errors: ["INVALID_REQUEST"],
};

export const readJobV2: Operation = {
  operationId: "v2GetJob",
  surface,
  summary: "One job: enough to follow it and to get its results",
  requestParams: byJob,
  responses: { "200": job("As it is now.") },
  errors: ["NOT_FOUND"],
};

export const readWorkflowV2: Operation = {
  operationId: "v2GetJobWorkflow",
  surface,
  summary: "The graph that the job runs",
  requestParams: byJob,
  responses: {
    "200": {
      description: "With references to assets replaced by file names.",
      content: json(z.object({ workflow: workflowSchema, format: z.literal("api") }), {
        workflow: exampleWorkflow,
        format: "api",
      }),
    },
  },
  errors: ["NOT_FOUND"],
};

export const readEventsV2: Operation = {
  operationId: "v2GetJobEvents",
  surface,
  summary: "A job's events, live",
  description:
    "`status`, `progress`, `preview`, `output`; the stream ends after a terminal `status`. `Last-Event-ID` goes on behind it.",
  requestParams: {
    ...byJob,
    header: z.object({ "last-event-id": z.string().optional().meta({ example: "17" }) }),
  },
  responses: {
    "200": { description: "Server-Sent Events.", content: { "text/event-stream": {} } },
  },
  errors: ["NOT_FOUND", "INVALID_REQUEST", "TOO_MANY_STREAMS"],
};

export const postCancelV2: Operation = {
  operationId: "v2CancelJob",
  surface,
  summary: "Stop a job",
  requestParams: byJob,
  responses: { "200": job("As it is now; unchanged where it had ended.") },
  errors: ["NOT_FOUND"],
};

export const postAssetV2: Operation = {
  operationId: "v2UploadAsset",
  surface,
  summary: "Upload a file",
  requestBody: {
    required: true,
    content: {
      "multipart/form-data": {
        schema: z.object({
          file: z.string().meta({ format: "binary" }),
          content_type: z.string(),
          file_path: z.string(),
          expected_hash: z.string().optional(),
          tags: z.array(z.string()).optional(),
          expires_in: z.int().min(60).max(604_800).optional(),
        }),
      },
    },
  },
  responses: { "201": asset("New bytes."), "200": asset("Bytes that were known.") },
  errors: [
    "INVALID_REQUEST",
    "HASH_MISMATCH",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "FILE_REFUSED",
  ],
};

export const postFromHashV2: Operation = {
  operationId: "v2CreateAssetFromHash",
  surface,
  summary: "One more record for bytes that are there",
  requestBody: jsonRequest(fromHashSchema, { hash, file_path: "photo.png" }),
  responses: { "201": asset("A new record."), "200": asset("The same record was there.") },
  errors: ["INVALID_JSON", "INVALID_REQUEST", "BLOB_MISSING", "FILE_REFUSED"],
};

export const headBlobV2: Operation = {
  operationId: "v2HasBlob",
  surface,
  summary: "Whether bytes of a hash are there",
  requestParams: { path: z.object({ hash: z.string().meta({ example: hash }) }) },
  responses: { "200": { description: "They are." }, "404": { description: "They are not." } },
};

export const readAssetV2: Operation = {
  operationId: "v2GetAsset",
  surface,
  summary: "One asset: an uploaded file or a job's output",
  requestParams: byAsset,
  responses: { "200": asset("With a fresh link.") },
  errors: ["NOT_FOUND"],
};

export const readContentV2: Operation = {
  operationId: "v2GetAssetContent",
  surface,
  summary: "An asset's bytes",
  requestParams: {
    ...byAsset,
    header: z.object({ range: z.string().optional().meta({ example: "bytes=0-7" }) }),
  },
  responses: {
    "200": { description: "All of them.", content: { "application/octet-stream": {} } },
    "206": { description: "The range asked for.", content: { "application/octet-stream": {} } },
    "304": { description: "Not changed since `If-None-Match`." },
    "416": { description: "The range lies outside." },
  },
  errors: ["NOT_FOUND", "OUTPUT_UNAVAILABLE"],
};

export const deleteAssetV2: Operation = {
  operationId: "v2DeleteAsset",
  surface,
  summary: "Remove an uploaded file",
  requestParams: byAsset,
  responses: { "204": { description: "Its bytes stay while another record has them." } },
  errors: ["NOT_FOUND", "FORBIDDEN"],
};
