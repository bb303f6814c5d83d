import * as z from "zod";
import { DEFAULT_TENANT, jobIdSchema, tenantSchema } from "./identifiers.ts";

/**
 * What the control exchange carries to every worker; each takes what concerns it. A `nodes-check` goes to the
 * control queue of one worker alone.
 */
export const controlMessageSchema = z.discriminatedUnion("type", [
  /** Stop this job, if you run it. Never touches the job after it. */
  z.object({ v: z.literal(1), type: z.literal("job-cancel"), jobId: jobIdSchema }),
  /** If you run this job, say a job-snapshot next: somebody began to watch. */
  z.object({ v: z.literal(1), type: z.literal("job-snapshot"), jobId: jobIdSchema }),
  /** Finish what you do and end. Without `workerId`: everybody. */
  z.object({ v: z.literal(1), type: z.literal("worker-drain"), workerId: z.string().optional() }),
  /** Look at the model and node folders again and announce what is there. */
  z.object({ v: z.literal(1), type: z.literal("catalog-refresh") }),
  /** Give memory back. */
  z.object({
    v: z.literal(1),
    type: z.literal("memory-free"),
    unloadModels: z.boolean(),
    freeMemory: z.boolean(),
  }),
  /** Ask the classes of these nodes what they say to their inputs, and answer on `replyTo`, a queue. */
  z.object({
    v: z.literal(1),
    type: z.literal("nodes-check"),
    requestId: z.string(),
    replyTo: z.string(),
    /** Whose folders the nodes' files are looked for in. */
    tenant: tenantSchema.default(DEFAULT_TENANT),
    /** JSON text of a list of `{nodeId, classType, inputs, inputTypes}`: read apart, so that 5.0 stays a float. */
    checksJson: z.string(),
  }),
  /** Jobs are there: look at the queues now. */
  z.object({ v: z.literal(1), type: z.literal("worker-wake") }),
]);
export type ControlMessage = z.infer<typeof controlMessageSchema>;
