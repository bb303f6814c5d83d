import {
  CodedError,
  DEFAULT_POOL,
  jobIdSchema,
  jobLimitsSchema,
  laneSchema,
  poolSchema,
  tagsSchema,
  webhookSchema,
} from "@rabbitloom/protocol";
import * as z from "zod";
import { isObject, kindOf } from "../http/json-body.ts";
import { parseWith } from "../http/schema.ts";
import type { Submission } from "../submit/submit-job.ts";

/** The `{prompt, ...}` form of a body. Strict: a misspelt name would silently do nothing. */
export const promptRequestSchema = z.strictObject({
  prompt: z.unknown(),
  prompt_id: jobIdSchema.optional(),
  extra_data: z.record(z.string(), z.unknown()).nullish(),
  client_id: z.string().min(1).max(256).nullish(),
  /** Only these output nodes and what they need. */
  targets: z.array(z.string()).nullish(),
  partial_execution_targets: z.array(z.string()).nullish(),
  /** The queue that the job waits in. */
  lane: laneSchema.optional(),
  priority: laneSchema.optional(),
  pool: poolSchema.optional(),
  /** To find the job by. */
  tags: tagsSchema.optional(),
  number: z.number().optional(),
  front: z.boolean().optional(),
  /** Keep every event from the first one on, for a watcher who comes later. */
  watch: z.boolean().optional(),
  /** Told when the job has ended, and of its start where it asks for that. */
  webhook: webhookSchema.nullish(),
  /** How long it may wait, run and be silent. */
  limits: z.strictObject(jobLimitsSchema.shape).optional(),
  /** Not to be started after this. */
  deadline: z.iso.datetime({ offset: true }).optional(),
});

/**
 * Reads the body of `POST /api/v1/prompts`: a bare graph, a workflow as the editor saves it, or `{prompt, ...}` with
 * either. A graph may have a node called "prompt": a node has a class, a graph has not.
 */
export function readPromptRequest(body: unknown): Submission {
  if (!isObject(body)) {
    throw new CodedError(
      "INVALID_REQUEST",
      `body: expected a graph or an object with a prompt, got ${kindOf(body)}`,
    );
  }
  if (!isWrapped(body)) {
    return { prompt: withoutMetadata(body), extraData: {}, lane: "normal", pool: DEFAULT_POOL };
  }
  const read = parseWith(promptRequestSchema, body, "body");
  return {
    prompt: isObject(read.prompt) ? withoutMetadata(read.prompt) : read.prompt,
    jobId: read.prompt_id,
    extraData: {
      ...read.extra_data,
      ...(typeof read.client_id === "string" && { client_id: read.client_id }),
    },
    clientId: read.client_id ?? undefined,
    targets: read.targets ?? read.partial_execution_targets ?? undefined,
    lane: read.lane ?? read.priority ?? "normal",
    pool: read.pool ?? DEFAULT_POOL,
    tags: read.tags,
    number: read.number,
    front: read.front ?? false,
    limits: read.limits,
    webhook: read.webhook ?? undefined,
    watch: read.watch ?? false,
    deadlineAt: read.deadline === undefined ? undefined : new Date(read.deadline).toISOString(),
  };
}

function isWrapped(body: Readonly<Record<string, unknown>>): boolean {
  const { prompt } = body;
  return Object.hasOwn(body, "prompt") && !(isObject(prompt) && "class_type" in prompt);
}

/** Settings that some exporters put beside the nodes. */
function withoutMetadata(graph: Record<string, unknown>): Record<string, unknown> {
  if (!("__metadata_v1__" in graph)) return graph;
  const { __metadata_v1__: _, ...nodes } = graph;
  return nodes;
}
