import * as z from "zod";

/**
 * A job's id, chosen by the client or made by the gateway. It becomes part of a queue's name and of a
 * token's scope, where `*` is a wildcard and `/` a separator: hence the narrow alphabet.
 */
export const jobIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, "expected 1 to 64 of A-Z a-z 0-9 _ -");

export const lanes = ["high", "normal", "low"] as const;
export const laneSchema = z.enum(lanes);
/** Quorum queues have no priorities before RabbitMQ 4: each priority is a queue of its own. */
export type Lane = z.infer<typeof laneSchema>;

/** A pool is a set of workers that are alike; jobs name the pool they need. */
export const poolSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,32}$/, "expected 1 to 32 of A-Z a-z 0-9 _ -");
export const DEFAULT_POOL = "default";
