import { CodedError, type ErrorCode, errorCodes } from "@rabbitloom/protocol";
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from "zod-openapi";
import { retryAfterSeconds } from "../http/http-status.ts";
import type { Operation } from "./operation.ts";
import { surfaces } from "./surfaces.ts";

/** One response a status for the codes that an operation names, with an example of each, and one for all others. */
export function errorResponses({ surface, errors = [] }: Operation): ZodOpenApiResponsesObject {
  const { errorType, errorSchema: schema, errorBody, statusOf } = surfaces[surface];
  const example = (code: ErrorCode) => errorBody(new CodedError(code, errorCodes[code].summary));
  const statuses = [...new Set(errors.map(statusOf))];
  const responses: Record<string, ZodOpenApiResponseObject> = {};
  for (const status of statuses) {
    const codes = errors.filter((code) => statusOf(code) === status);
    const isRetried = codes.some((code) => retryAfterSeconds[code] !== undefined);
    responses[status] = {
      description: codes.map((code) => `\`${code}\`: ${errorCodes[code].summary}`).join("\n\n"),
      ...(isRetried && { headers: { "Retry-After": retryAfterHeader } }),
      content: {
        [errorType]: {
          schema,
          examples: Object.fromEntries(codes.map((code) => [code, { value: example(code) }])),
        },
      },
    };
  }
  return {
    ...responses,
    default: {
      description: "Any other error, in the same shape.",
      content: { [errorType]: { schema, example: example("INTERNAL") } },
    },
  };
}

const retryAfterHeader = {
  description: "Seconds after which trying again is worth while.",
  schema: { type: "integer" as const, minimum: 1 },
};
