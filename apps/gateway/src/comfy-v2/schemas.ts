/** What Comfy API v2 says and takes: its public contract, version 2.0.0. `nullable` means there, but perhaps null. */
import * as z from "zod";

const time = z.iso.datetime();

export const v2StatusSchema = z.enum([
  "queued",
  "running",
  "canceling",
  "succeeded",
  "failed",
  "canceled",
  "expired",
]);
export type V2Status = z.infer<typeof v2StatusSchema>;

export const v2ProgressSchema = z.object({
  value: z.number().min(0).max(1),
  nodes_done: z.int().nonnegative(),
  nodes_total: z.int().nonnegative(),
  current_node: z.string().nullable().optional(),
  current_node_class: z.string().nullable().optional(),
  step: z.int().nullable().optional(),
  steps: z.int().nullable().optional(),
  message: z.string().nullable().optional(),
});
export type V2Progress = z.infer<typeof v2ProgressSchema>;

export const v2OutputSchema = z.object({
  node_id: z.string(),
  name: z.string(),
  type: z.enum(["image", "video", "audio", "text", "file", "latent"]),
  content_type: z.string(),
  size_bytes: z.int().nonnegative(),
  /** An asset's id too: its content can be fetched, and other jobs may refer to it. */
  id: z.string(),
  hash: z.string().nullable(),
  url: z.url(),
  url_expires_at: time,
  job_id: z.string().nullable().optional(),
});
export type V2Output = z.infer<typeof v2OutputSchema>;

export const v2JobSchema = z.object({
  id: z.string(),
  status: v2StatusSchema,
  created_at: time,
  started_at: time.nullable(),
  completed_at: time.nullable(),
  expires_at: time,
  /** From 1, while queued. */
  queue_position: z.int().positive().nullable(),
  progress: v2ProgressSchema.nullable(),
  outputs: z.array(v2OutputSchema),
  error: z
    .object({
      code: z.string(),
      message: z.string(),
      node_id: z.string().nullable().optional(),
      class_type: z.string().nullable().optional(),
      traceback: z.string().nullable().optional(),
    })
    .nullable(),
  metrics: z.record(z.string(), z.int().nullable()).optional(),
  urls: z.object({ self: z.string(), events: z.string(), cancel: z.string() }),
});
export type V2Job = z.infer<typeof v2JobSchema>;

export const v2AssetSchema = z.object({
  id: z.string(),
  hash: z.string().nullable(),
  size_bytes: z.int().nonnegative(),
  content_type: z.string(),
  file_path: z.string().nullable().optional(),
  created_new: z.boolean().optional(),
  created_at: time,
  url: z.url(),
  url_expires_at: time,
  expires_at: time.nullable().optional(),
  job_id: z.string().nullable().optional(),
});
export type V2Asset = z.infer<typeof v2AssetSchema>;

/** Seconds: a minute to a week. */
export const expiresInSchema = z.coerce.number().int().min(60).max(604_800);
export const blobHashSchema = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.string().regex(/^blake3:[0-9a-f]{64}$/, "expected blake3: and 64 hexadecimal digits"));

export const fromHashSchema = z.strictObject({
  hash: blobHashSchema,
  file_path: z.string().min(1).max(1_024).optional(),
  tags: z.array(z.string().max(256)).max(64).optional(),
  expires_in: expiresInSchema.optional(),
});

export function isTerminalStatus(status: V2Status): boolean {
  return ["succeeded", "failed", "canceled", "expired"].includes(status);
}
