import * as z from "zod";
import { jobErrorSchema, jobStateSchema } from "./events.ts";
import {
  DEFAULT_POOL,
  DEFAULT_TENANT,
  eventWordSchema,
  jobIdSchema,
  laneSchema,
  poolSchema,
  tagsSchema,
  tenantSchema,
} from "./identifiers.ts";
import { extraDataSchema, outputsSchema, promptSchema } from "./prompt.ts";

/** A week: longer ones are somebody's milliseconds. */
const MOST_SECONDS = 604_800;
const limitSchema = z.number().positive().max(MOST_SECONDS).optional();

/** How long a job may take, in seconds. What is left out is the fleet's own setting. */
export const jobLimitsSchema = z.object({
  /** From its submission to its first start; else the job ends as failed, with QUEUE_DEADLINE. */
  queueSeconds: limitSchema,
  /** One attempt; else the job ends as failed, with RUN_DEADLINE. */
  runSeconds: limitSchema,
  /** Between two events of an attempt; else the attempt has failed with SILENCE_LIMIT, and another one may follow. */
  silenceSeconds: limitSchema,
});
export type JobLimits = z.infer<typeof jobLimitsSchema>;

/** Of a job's message: workers read no larger one, as that takes several times the size in memory. */
export const MOST_JOB_BYTES = 67_108_864;

/** Arrays and objects inside each other in a job's message: workers read no deeper one. */
export const JOB_DEPTH = 256;

/**
 * The body of a message on the jobs exchange. A backend service that publishes one itself needs
 * `prompt` alone; then the job's id is the message id, and events go to `reply_to`.
 */
export const jobMessageSchema = z.object({
  v: z.literal(1).default(1),
  jobId: jobIdSchema.optional(),
  /** Whose job it is. */
  tenant: tenantSchema.default(DEFAULT_TENANT),
  prompt: promptSchema,
  extraData: extraDataSchema.default({}),
  /** Run only these output nodes and what they need. */
  targets: z.array(z.string()).optional(),
  clientId: z.string().max(256).optional(),
  /** The gateway that waits for the events. */
  gatewayId: eventWordSchema.optional(),
  lane: laneSchema.default("normal"),
  pool: poolSchema.default(DEFAULT_POOL),
  tags: tagsSchema.optional(),
  submittedAt: z.iso.datetime().optional(),
  /**
   * Unique to one submission of `jobId`, by a gateway. A message of an earlier one, which was withdrawn or whose job was
   * forgotten, is not run in the name of a later one.
   */
  submission: z.string().max(64).optional(),
  /** Not to be started after this; where `limits` has a queue time as well, the earlier moment counts. */
  deadlineAt: z.iso.datetime().optional(),
  limits: jobLimitsSchema.optional(),
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
  /** Whose job it is. */
  tenant: tenantSchema.default(DEFAULT_TENANT),
  /** It runs, and is to stop. */
  isCancelRequested: z.boolean().optional(),
  /** 0 until a worker has claimed it. */
  attempt: z.int().nonnegative(),
  workerId: z.string().optional(),
  lane: laneSchema,
  pool: poolSchema,
  clientId: z.string().optional(),
  tags: z.array(z.string()).optional(),
  /** Jobs before this one: in the queue list, or, where tenants take turns, by turns; only while pending. */
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
