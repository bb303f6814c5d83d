import * as z from "zod";
import { jobIdSchema } from "./identifiers.ts";

/** What the control exchange carries to every worker; each takes what concerns it. */
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
  /** Jobs are there: look at the queues now. */
  z.object({ v: z.literal(1), type: z.literal("worker-wake") }),
]);
export type ControlMessage = z.infer<typeof controlMessageSchema>;
