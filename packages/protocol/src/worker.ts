import * as z from "zod";
import { jobIdSchema, poolSchema } from "./identifiers.ts";

/** The device an engine computes on, as `/system_stats` shows it. Sizes in bytes. */
export const deviceSchema = z.object({
  name: z.string(),
  /** Execution provider: cpu, cuda, ... */
  type: z.string(),
  index: z.int().nonnegative().optional(),
  totalMemoryBytes: z.number().nonnegative(),
  freeMemoryBytes: z.number().nonnegative(),
});
export type Device = z.infer<typeof deviceSchema>;

export const workerStateSchema = z.enum(["idle", "busy", "draining"]);

/** A worker as it registers itself; kept alive by its heartbeat. */
export const workerRegistrationSchema = z.object({
  v: z.literal(1),
  workerId: z.string(),
  pid: z.int().positive(),
  host: z.string(),
  version: z.string(),
  pool: poolSchema,
  state: workerStateSchema,
  jobId: jobIdSchema.optional(),
  device: deviceSchema,
  startedAt: z.iso.datetime(),
  heartbeatAt: z.iso.datetime(),
  healthUrl: z.url().optional(),
  /** Digest of its node and model catalog: workers that show the same one are interchangeable. */
  catalogDigest: z.string(),
});
export type WorkerRegistration = z.infer<typeof workerRegistrationSchema>;
