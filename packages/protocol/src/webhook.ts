import * as z from "zod";
import { terminalStates } from "./events.ts";
import { jobViewSchema } from "./job.ts";

/** States of a job that a webhook may be told of: that its first attempt has begun, and the ways in which it ends. */
export const webhookStates = ["running", ...terminalStates] as const;
export type WebhookState = (typeof webhookStates)[number];
export const webhookEventSchema = z.enum(webhookStates.map((state) => `job.${state}` as const));
export type WebhookEvent = z.infer<typeof webhookEventSchema>;

/** Whom to tell how a job goes, in the way of Standard Webhooks. */
export const webhookSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: "expected an http or https address" }),
  /** `whsec_` and a key of 24 to 64 bytes in base64: signs the deliveries. */
  secret: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, "expected whsec_ and 24 to 64 bytes in base64")
    .optional(),
  /** All ends where absent. */
  events: z.array(webhookEventSchema).min(1).optional(),
});
export type Webhook = z.infer<typeof webhookSchema>;

/** The body of a delivery. It is the same in every try, and `webhook-id` too. */
export const webhookMessageSchema = z.object({
  type: webhookEventSchema,
  timestamp: z.iso.datetime(),
  data: jobViewSchema,
});
export type WebhookMessage = z.infer<typeof webhookMessageSchema>;

/** One try, as the job's log shows it. */
export const webhookDeliverySchema = z.object({
  event: webhookEventSchema.optional(),
  try: z.int().positive(),
  at: z.iso.datetime(),
  durationMs: z.number().nonnegative(),
  /** What the receiver answered. */
  status: z.int().optional(),
  /** Why there was no answer. */
  error: z.string().optional(),
  isDelivered: z.boolean(),
});
export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;
