import * as z from "zod";
import { jobErrorSchema, jobStateSchema } from "./events.ts";
import { DEFAULT_POOL, jobIdSchema, laneSchema, poolSchema } from "./identifiers.ts";
import { extraDataSchema, outputsSchema, promptSchema } from "./prompt.ts";

/**
 * The body of a message on the jobs exchange. A backend service that publishes one itself needs
 * `prompt` alone; then the job's id is the message id, and events go to `reply_to`.
 */
export const jobMessageSchema = z.object({
  v: z.literal(1).default(1),
  jobId: jobIdSchema.optional(),
  prompt: promptSchema,
  extraData: extraDataSchema.default({}),
  /** Run only these output nodes and what they need. */
  targets: z.array(z.string()).optional(),
  clientId: z.string().optional(),
  /** The gateway that waits for the events. */
  gatewayId: z.string().optional(),
  lane: laneSchema.default("normal"),
  pool: poolSchema.default(DEFAULT_POOL),
  submittedAt: z.iso.datetime().optional(),
  /** Not to be started after this. */
  deadlineAt: z.iso.datetime().optional(),
});
export type JobMessage = z.infer<typeof jobMessageSchema>;
export type JobMessageInput = z.input<typeof jobMessageSchema>;

/** How far a running job is. */
export const jobProgressSchema = z.object({
  /** Share of nodes done, the running one by its own progress: 0..1. */
  fraction: z.number().min(0).max(1),
  nodesDone: z.int().nonnegative(),
  nodeCount: z.int().nonnegative(),
  nodeId: z.string().optional(),
  value: z.number().optional(),
  max: z.number().optional(),
});
export type JobProgress = z.infer<typeof jobProgressSchema>;

/** A job as `/api/v1/jobs/{id}` shows it. */
export const jobViewSchema = z.object({
  id: jobIdSchema,
  state: jobStateSchema,
  /** 0 until a worker has claimed it. */
  attempt: z.int().nonnegative(),
  workerId: z.string().optional(),
  lane: laneSchema,
  pool: poolSchema,
  clientId: z.string().optional(),
  /** Jobs before this one in the queue list; only while pending. */
  queuePosition: z.int().nonnegative().optional(),
  submittedAt: z.iso.datetime(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  progress: jobProgressSchema.optional(),
  outputs: outputsSchema.optional(),
  error: jobErrorSchema.optional(),
  /** Last event's number in the current attempt's log; 0 before the first. */
  lastSeq: z.int().nonnegative(),
});
export type JobView = z.infer<typeof jobViewSchema>;
