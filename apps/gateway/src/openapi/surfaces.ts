import { type CodedError, type ErrorCode, errorCodes } from "@rabbitloom/protocol";
import * as z from "zod";
import { v2ErrorBody, v2StatusOf } from "../comfy-v2/errors.ts";
import { comfyErrorBody } from "../http/comfy-reply.ts";
import { httpStatus } from "../http/http-status.ts";
import { problemBody } from "../http/problem.ts";

interface SurfaceFacts {
  readonly tag: string;
  readonly description: string;
  /** How an error looks here. */
  readonly errorType: string;
  readonly errorSchema: z.ZodType;
  readonly errorBody: (error: CodedError) => unknown;
  readonly statusOf: (code: ErrorCode) => number;
}

const codeSchema = z.enum(Object.keys(errorCodes));

/** RFC 9457, with the code of our table. */
export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: codeSchema,
  retryable: z.boolean(),
});

/** ComfyUI's error, with our code under `extra_info`. */
export const comfyErrorSchema = z.looseObject({
  error: z.looseObject({
    type: z.string(),
    message: z.string(),
    details: z.string(),
    extra_info: z.record(z.string(), z.unknown()),
  }),
  node_errors: z.record(z.string(), z.unknown()),
});

/** Comfy API v2's envelope, with its own codes. */
export const v2ErrorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.unknown()).nullish(),
  }),
});

const statusOf = (code: ErrorCode) => httpStatus[code];

const problem = {
  statusOf,
  errorType: "application/problem+json",
  errorSchema: problemSchema,
  errorBody: problemBody,
};

/** The APIs that this gateway speaks, and the shape of errors in each. */
export const surfaces = {
  v1: {
    ...problem,
    tag: "jobs",
    description: "Rabbitloom's own API: jobs in, pictures out.",
  },
  comfy: {
    tag: "ComfyUI",
    description: "ComfyUI's own API. Every path is there under `/api` as well.",
    errorType: "application/json",
    errorSchema: comfyErrorSchema,
    errorBody: comfyErrorBody,
    statusOf,
  },
  v2: {
    tag: "Comfy API v2",
    description: "The API of `@comfyorg/sdk`.",
    errorType: "application/json",
    errorSchema: v2ErrorSchema,
    errorBody: v2ErrorBody,
    statusOf: v2StatusOf,
  },
  gateway: {
    ...problem,
    tag: "gateway",
    description: "Health, metrics, documents, and sockets to the broker.",
  },
} as const satisfies Record<string, SurfaceFacts>;

export type Surface = keyof typeof surfaces;
