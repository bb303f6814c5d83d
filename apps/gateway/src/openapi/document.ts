import {
  jobErrorSchema,
  jobProgressSchema,
  jobViewSchema,
  nodeErrorsSchema,
  outputsSchema,
  promptNodeSchema,
  promptSchema,
  watchTicketSchema,
  webhookMessageSchema,
} from "@rabbitloom/protocol";
import * as z from "zod";
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiPathItemObject,
  type ZodOpenApiPathsObject,
} from "zod-openapi";
import { v2AssetSchema, v2JobSchema } from "../comfy-v2/schemas.ts";
import { errorResponses } from "./error-responses.ts";
import type { ListedRoute } from "./listed-routes.ts";
import { jsonRequest } from "./operation.ts";
import { comfyErrorSchema, problemSchema, surfaces, v2ErrorSchema } from "./surfaces.ts";

/** The OpenAPI 3.1 document of the routes given. Throws for a route that has not declared itself. */
export function openapiDocument(routes: readonly ListedRoute[]): ReturnType<typeof createDocument> {
  return createDocument(
    {
      openapi: "3.1.0",
      info: {
        title: "Rabbitloom",
        version: "1",
        description: "ComfyUI workflows on a fleet of workers.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/" }],
      tags: Object.values(surfaces).map(({ tag: name, description }) => ({ name, description })),
      security: [{}, { bearer: [] }, { apiKey: [] }],
      paths: pathsOf(routes),
      webhooks: { jobWebhook },
      components: {
        schemas: sharedSchemas,
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer" },
          apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
        },
      },
    } satisfies ZodOpenApiObject,
    {
      // A client must not break at a member that a later version adds.
      override: ({ jsonSchema, zodSchema, io }) => {
        const isStrict = zodSchema._zod.def.type === "object" && io === "input";
        if (!isStrict && jsonSchema.additionalProperties === false) {
          delete jsonSchema.additionalProperties;
        }
      },
    },
  );
}

/** What a gateway sends to a job's webhook. */
const jobWebhook: ZodOpenApiPathItemObject = {
  post: {
    operationId: "jobWebhook",
    tags: [surfaces.v1.tag],
    summary: "A job has begun or ended",
    description:
      "In the way of Standard Webhooks: `webhook-signature` is `v1,` and the base64 HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`. The id is the same in every try.",
    requestParams: {
      header: z.object({
        "webhook-id": z.string().meta({ example: "9d0f.succeeded" }),
        "webhook-timestamp": z.string().meta({ example: "1767268800" }),
        "webhook-signature": z.string().optional().meta({ example: "v1,aGVsbG8=" }),
      }),
    },
    requestBody: jsonRequest(webhookMessageSchema, {
      type: "job.succeeded",
      timestamp: "2026-01-01T12:00:02.000Z",
      data: {
        id: "9d0f",
        tenant: "default",
        state: "succeeded",
        attempt: 1,
        lane: "normal",
        pool: "default",
        submittedAt: "2026-01-01T12:00:00.000Z",
        endedAt: "2026-01-01T12:00:02.000Z",
        outputs: { "2": { images: [] } },
        lastSeq: 9,
      },
    }),
    responses: {
      "2XX": { description: "Taken. 410 ends the tries; anything else is tried again." },
    },
  },
};

/** Schemas that stand once under a name; everything else is written where it is used. */
const sharedSchemas = {
  Job: jobViewSchema,
  JobError: jobErrorSchema,
  JobProgress: jobProgressSchema,
  NodeErrors: nodeErrorsSchema,
  Outputs: outputsSchema,
  Prompt: promptSchema,
  PromptNode: promptNodeSchema,
  WatchTicket: watchTicketSchema,
  Problem: problemSchema,
  ComfyError: comfyErrorSchema,
  V2Job: v2JobSchema,
  V2Asset: v2AssetSchema,
  V2Error: v2ErrorSchema,
};

/** A path that is there under `/api` as well stands once, with both as its servers. */
function pathsOf(routes: readonly ListedRoute[]): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  const twins = new Set(routes.filter((route) => twinOf(route, routes)).map(({ path }) => path));
  for (const route of routes) {
    const { method, path, operation } = route;
    if (operation === undefined) {
      throw new Error(`${method.toUpperCase()} ${path}: the route declares no operation`);
    }
    if (twins.has(path)) continue;
    const { surface, errors: _, responses, ...rest } = operation;
    const isTwice = twins.has(`/api${path}`);
    paths[path] = {
      ...paths[path],
      ...(isTwice && { servers: [{ url: "/" }, { url: "/api" }] }),
      [method]: {
        ...rest,
        tags: [surfaces[surface].tag],
        responses: { ...responses, ...errorResponses(operation) },
      },
    };
  }
  return Object.fromEntries(Object.entries(paths).sort(([a], [b]) => a.localeCompare(b)));
}

/** The same operation of the same method without `/api` before it. */
function twinOf(route: ListedRoute, routes: readonly ListedRoute[]): ListedRoute | undefined {
  return routes.find(
    ({ method, path, operation }) =>
      `/api${path}` === route.path && method === route.method && operation === route.operation,
  );
}
