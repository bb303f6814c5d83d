import * as z from "zod";
import { tenantSchema } from "./identifiers.ts";

/**
 * What a key or a token allows.
 *
 *   submit     send jobs and files, cancel and forget the tenant's own
 *   read-own   see the tenant's own jobs, events and files
 *   read-all   see every tenant's jobs and events, and the metrics
 *   operate    touch every tenant's jobs; manage keys, workers and dead letters
 */
export const accessScopes = ["submit", "read-own", "read-all", "operate"] as const;
export const accessScopeSchema = z.enum(accessScopes);
export type AccessScope = z.infer<typeof accessScopeSchema>;

/** An API key as operators see it: everything but its secret, which is told once, when it is made. */
export const apiKeySchema = z.object({
  id: z.string(),
  tenant: tenantSchema,
  scopes: z.array(accessScopeSchema),
  /** What it is for, for people. */
  name: z.string(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  revokedAt: z.iso.datetime().optional(),
});
export type ApiKey = z.infer<typeof apiKeySchema>;
