import * as z from "zod";

/**
 * A job's id, chosen by the client or made by the gateway. It becomes part of a queue's name and of a
 * token's scope, where `*` is a wildcard and `/` a separator: hence the narrow alphabet.
 */
export const jobIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, "expected 1 to 64 of A-Z a-z 0-9 _ -");

/** Whom events are for: a gateway, or a word for one of its clients. It becomes part of a routing key, where `.` separates. */
export const eventWordSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,128}$/, "expected 1 to 128 of A-Z a-z 0-9 _ -");

export const lanes = ["high", "normal", "low"] as const;
export const laneSchema = z.enum(lanes);
/** Quorum queues have no priorities before RabbitMQ 4: each priority is a queue of its own. */
export type Lane = z.infer<typeof laneSchema>;

/** A pool is a set of workers that are alike; jobs name the pool they need. */
export const poolSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,32}$/, "expected 1 to 32 of A-Z a-z 0-9 _ -");
export const DEFAULT_POOL = "default";

/** Words of a client's own on a job, to find it by. A comma parts them where they stand in an address. */
export const tagsSchema = z
  .array(z.string().regex(/^[^,\p{C}]{1,64}$/u, "expected 1 to 64 characters, without commas"))
  .max(16);

/** A tenant owns jobs and files, and sees no other's. It becomes part of Redis keys and of folder names. */
export const tenantSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,32}$/, "expected 1 to 32 of A-Z a-z 0-9 _ -");
/** Whose everything is where nobody has to say who they are. */
export const DEFAULT_TENANT = "default";

/** Where a tenant's jobs wait in a queue of their own. */
export const tenantPlaceSchema = z.object({
  pool: poolSchema,
  lane: laneSchema,
  tenant: tenantSchema,
});
export type TenantPlace = z.infer<typeof tenantPlaceSchema>;
