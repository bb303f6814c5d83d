import { accessScopeSchema, apiKeySchema, tenantSchema } from "@rabbitloom/protocol";
import * as z from "zod";
import { json, jsonRequest, type Operation } from "../openapi/operation.ts";

export const newKeySchema = z.strictObject({
  tenant: tenantSchema,
  scopes: z.tuple([accessScopeSchema]).rest(accessScopeSchema),
  /** What it is for. */
  name: z.string().max(100).optional(),
  expiresAt: z.iso.datetime({ offset: true }).optional(),
});

const exampleKey = {
  id: "k0123456789ab",
  tenant: "acme",
  scopes: ["submit", "read-own"],
  name: "shop",
  createdAt: "2026-01-01T00:00:00.000Z",
};
const passSchema = z.object({ token: z.string(), expiresAt: z.iso.datetime() });
const errors = ["UNAUTHORIZED", "FORBIDDEN", "STORE_UNAVAILABLE"] as const;

export const createKey: Operation = {
  operationId: "createKey",
  surface: "v1",
  summary: "Makes an API key",
  description: "The secret is answered this once: only its digest is kept.",
  requestBody: jsonRequest(newKeySchema, { tenant: "acme", scopes: ["submit", "read-own"] }),
  responses: {
    "201": {
      description: "The key and its secret.",
      content: json(z.object({ key: apiKeySchema, secret: z.string() }), {
        key: exampleKey,
        secret: "loom_k0123456789ab_...",
      }),
    },
  },
  errors: ["INVALID_REQUEST", ...errors],
};

export const listKeys: Operation = {
  operationId: "listKeys",
  surface: "v1",
  summary: "All API keys, without their secrets",
  responses: {
    "200": {
      description: "Oldest first; revoked and expired ones too.",
      content: json(z.object({ keys: z.array(apiKeySchema) }), { keys: [exampleKey] }),
    },
  },
  errors: [...errors],
};

export const revokeKey: Operation = {
  operationId: "revokeKey",
  surface: "v1",
  summary: "Revokes an API key",
  description: "It opens nothing from here on, and the sockets that it opened are closed.",
  requestParams: { path: z.object({ id: z.string().meta({ example: exampleKey.id }) }) },
  responses: { "204": { description: "Revoked, now or before." } },
  errors: ["NOT_FOUND", ...errors],
};

export const readPrincipal: Operation = {
  operationId: "whoAmI",
  surface: "v1",
  summary: "What these credentials are and allow",
  responses: {
    "200": {
      description: "Whose the jobs are that they send.",
      content: json(
        z.object({
          tenant: tenantSchema,
          scopes: z.array(accessScopeSchema),
          keyId: z.string().nullable(),
        }),
        { tenant: "acme", scopes: ["submit", "read-own"], keyId: exampleKey.id },
      ),
    },
  },
  errors: ["UNAUTHORIZED"],
};

export const openSession: Operation = {
  operationId: "openSession",
  surface: "v1",
  summary: "A browser's session: a cookie in the place of the key",
  description:
    "The cookie is HttpOnly and SameSite=Strict, lives for 12 hours at most, and ends with the key.",
  responses: { "204": { description: "The cookie is set." } },
  errors: ["UNAUTHORIZED"],
};

export const closeSession: Operation = {
  operationId: "closeSession",
  surface: "v1",
  summary: "Removes the session's cookie",
  responses: { "204": { description: "Removed." } },
};

export const issueUrlToken: Operation = {
  operationId: "issueUrlToken",
  surface: "v1",
  summary: "A token for an address, where no header can be set",
  description: "For `/ws?token=` and `/view?...&token=`: it reads, and lives for a minute.",
  responses: {
    "201": {
      description: "The token.",
      content: json(passSchema, { token: "(signed)", expiresAt: exampleKey.createdAt }),
    },
  },
  errors: ["UNAUTHORIZED"],
};
