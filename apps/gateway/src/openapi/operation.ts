import type { ErrorCode } from "@rabbitloom/protocol";
import type * as z from "zod";
import type {
  ZodOpenApiMediaTypeObject,
  ZodOpenApiOperationObject,
  ZodOpenApiRequestBodyObject,
  ZodOpenApiResponseObject,
} from "zod-openapi";
import type { RouteAccess } from "../auth/route-access.ts";
import type { Surface } from "./surfaces.ts";

/**
 * What a route tells about itself: OpenAPI's own words with zod schemas in them, the same ones that the handler parses
 * with. `errors` are codes of the one table; their statuses, bodies and examples come from the surface.
 */
export interface Operation
  extends Omit<ZodOpenApiOperationObject, "responses" | "tags" | "operationId" | "summary"> {
  readonly operationId: string;
  readonly surface: Surface;
  /** A few words, as a title. */
  readonly summary: string;
  readonly responses: Readonly<Record<`${1 | 2 | 3 | 4 | 5}${string}`, ZodOpenApiResponseObject>>;
  readonly errors?: readonly ErrorCode[];
}

declare module "fastify" {
  interface FastifyContextConfig {
    operation?: Operation;
  }
  interface FastifySchema {
    /** Also what plugins set on routes that are not for documents. */
    hide?: boolean;
  }
}

/**
 * Options of a Fastify route that declare it: `app.get("/livez", operation({...}, "public"), handler)`. Without an access
 * the method tells: see RouteAccess.
 */
export function operation(declared: Operation, access?: RouteAccess) {
  return { config: { operation: declared, ...(access !== undefined && { access }) } };
}

/** Options of a route that is nobody's API: a page's own files. */
export const unlisted = { schema: { hide: true }, config: { access: "public" } } as const;

/** One JSON media type with its example. */
export function json(
  schema: z.ZodType,
  example: unknown,
): { "application/json": ZodOpenApiMediaTypeObject } {
  return { "application/json": { schema, example } };
}

/** A required JSON body. */
export function jsonRequest(schema: z.ZodType, example: unknown): ZodOpenApiRequestBodyObject {
  return { required: true, content: json(schema, example) };
}

/** Bytes of the media types named. */
export function bytes(...types: readonly string[]): Record<string, ZodOpenApiMediaTypeObject> {
  return Object.fromEntries(types.map((type) => [type, {}]));
}
