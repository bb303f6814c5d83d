import * as z from "zod";
import { jobIdSchema } from "./identifiers.ts";
import { nodeErrorsSchema, nodeOutputSchema, outputsSchema } from "./prompt.ts";

/**
 * What a worker says about a job, in order.
 *
 * `seq` counts from 1 without a gap inside one attempt. `attempt` fences: once a reader has seen
 * attempt n, it drops what an older one still says.
 */
const envelope = {
  v: z.literal(1),
  jobId: jobIdSchema,
  attempt: z.int().nonnegative(),
  seq: z.int().positive(),
  at: z.iso.datetime(),
};

/**
 * A node inside a run. Nodes that an expansion made have ids of their own; `displayNodeId` is the node
 * of the user's graph to show them on, `realNodeId` its topmost ancestor. Absent means: as `nodeId`.
 */
const nodeFields = {
  nodeId: z.string(),
  displayNodeId: z.string().optional(),
  parentNodeId: z.string().optional(),
  realNodeId: z.string().optional(),
};
export const nodeReferenceSchema = z.object(nodeFields);
export type NodeReference = z.infer<typeof nodeReferenceSchema>;

/** How a job ended badly. */
export const jobErrorSchema = z.object({
  /** A code of `errorCodes`; kept open so that an older reader takes a newer code. */
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  /** The node that failed or was running when the job was stopped. */
  node: z
    .object({
      nodeId: z.string(),
      nodeType: z.string(),
      exceptionType: z.string(),
      traceback: z.array(z.string()),
      inputs: z.record(z.string(), z.unknown()),
      outputs: z.unknown().optional(),
    })
    .optional(),
  /** Nodes that had finished by then. */
  executed: z.array(z.string()).optional(),
  /** Where validation failed. */
  nodeErrors: nodeErrorsSchema.optional(),
});
export type JobError = z.infer<typeof jobErrorSchema>;

export const terminalStates = ["succeeded", "failed", "cancelled", "dead"] as const;
export const jobStates = ["pending", "running", ...terminalStates] as const;
export const jobStateSchema = z.enum(jobStates);
export type JobState = z.infer<typeof jobStateSchema>;
export type TerminalState = (typeof terminalStates)[number];

export function isTerminal(state: JobState): state is TerminalState {
  return state !== "pending" && state !== "running";
}

/** How far a node is, for snapshots. */
export const nodeStateSchema = z.object({
  state: z.enum(["running", "finished", "error"]),
  value: z.number(),
  max: z.number(),
});

const variants = {
  "job-start": z.object({
    ...envelope,
    type: z.literal("job-start"),
    workerId: z.string(),
    /** Nodes in the prompt, so that readers can draw overall progress. */
    nodeCount: z.int().nonnegative(),
  }),
  "nodes-cached": z.object({
    ...envelope,
    type: z.literal("nodes-cached"),
    nodeIds: z.array(z.string()),
  }),
  "node-start": z.object({ ...envelope, ...nodeFields, type: z.literal("node-start") }),
  "node-progress": z.object({
    ...envelope,
    ...nodeFields,
    type: z.literal("node-progress"),
    value: z.number(),
    max: z.number(),
  }),
  "node-text": z.object({
    ...envelope,
    ...nodeFields,
    type: z.literal("node-text"),
    text: z.string(),
  }),
  /** What an output node shows; `null` from a cached output node that shows nothing. */
  "node-output": z.object({
    ...envelope,
    ...nodeFields,
    type: z.literal("node-output"),
    output: nodeOutputSchema.nullable(),
  }),
  "node-end": z.object({ ...envelope, ...nodeFields, type: z.literal("node-end") }),
  /** A blocker with a message reached the node: said once, the job goes on. */
  "node-blocked": z.object({
    ...envelope,
    ...nodeFields,
    type: z.literal("node-blocked"),
    nodeType: z.string(),
    message: z.string(),
    executed: z.array(z.string()),
  }),
  /** Everything so far, for readers who came when earlier events were not kept. */
  "job-snapshot": z.object({
    ...envelope,
    type: z.literal("job-snapshot"),
    state: jobStateSchema,
    nodes: z.record(z.string(), nodeStateSchema),
    outputs: outputsSchema,
    error: jobErrorSchema.optional(),
  }),
  /** Events `from` to `to` are no longer held; a snapshot follows. */
  "job-gap": z.object({
    ...envelope,
    type: z.literal("job-gap"),
    from: z.int().positive(),
    to: z.int().positive(),
  }),
  /** The last event of a job, said once. */
  "job-end": z.object({
    ...envelope,
    type: z.literal("job-end"),
    state: z.enum(terminalStates),
    outputs: outputsSchema,
    error: jobErrorSchema.optional(),
    startedAt: z.iso.datetime().optional(),
  }),
};

/** The facts of a preview; on the wire they are headers and the body is the picture. */
export const previewFactsSchema = z.object({
  ...envelope,
  ...nodeFields,
  type: z.literal("node-preview"),
  contentType: z.enum(["image/jpeg", "image/png"]),
  /** Pixels; 0 where the sender did not look. */
  width: z.int().nonnegative(),
  height: z.int().nonnegative(),
});
export type PreviewFacts = z.infer<typeof previewFactsSchema>;

/** Events whose wire form is JSON. */
export const jsonEventSchema = z.discriminatedUnion("type", [
  variants["job-start"],
  variants["nodes-cached"],
  variants["node-start"],
  variants["node-progress"],
  variants["node-text"],
  variants["node-output"],
  variants["node-end"],
  variants["node-blocked"],
  variants["job-snapshot"],
  variants["job-gap"],
  variants["job-end"],
]);
export type JsonEvent = z.infer<typeof jsonEventSchema>;

/** A picture in the making, or a finished one from SaveImageWebsocket. */
export type PreviewEvent = PreviewFacts & { readonly image: Uint8Array };

export type JobEvent = JsonEvent | PreviewEvent;
export type JobEndEvent = Extract<JobEvent, { type: "job-end" }>;

type WithoutEnvelope<Event> = Event extends unknown ? Omit<Event, keyof typeof envelope> : never;
/** What the engine reports: an event before the worker has numbered it. */
export type EngineEvent = WithoutEnvelope<
  Exclude<JobEvent, { type: "job-snapshot" | "job-gap" | "job-end" }>
>;

export const jsonEventSchemas = variants;
