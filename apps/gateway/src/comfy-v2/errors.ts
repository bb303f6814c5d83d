import { CodedError, type ErrorCode } from "@rabbitloom/protocol";
import type { FastifyReply } from "fastify";
import { httpStatus } from "../http/http-status.ts";
import { withRetryAfter } from "../http/problem.ts";

/** Comfy API v2's own words for our codes; the SDK picks its error class by them, not by the status. */
const v2Codes: Readonly<Partial<Record<ErrorCode, string>>> = {
  INVALID_PROMPT: "invalid_workflow",
  VALIDATION_FAILED: "invalid_workflow",
  GRAPH_CYCLE: "invalid_workflow",
  LIMIT_EXCEEDED: "invalid_workflow",
  FILE_MISSING: "invalid_workflow",
  WORKFLOW_FORMAT: "workflow_format_ui",
  ASSET_MISSING: "missing_asset",
  BLOB_MISSING: "blob_not_found",
  HASH_MISMATCH: "hash_mismatch",
  OUTPUT_UNAVAILABLE: "output_unavailable",
  IDEMPOTENCY_IN_FLIGHT: "idempotency_in_flight",
  IDEMPOTENCY_KEY_REUSED: "idempotency_key_reuse",
  TOO_MANY_STREAMS: "too_many_streams",
  QUEUE_FULL: "queue_full",
  NO_WORKER: "deployment_not_ready",
  BROKER_UNAVAILABLE: "upstream_unreachable",
  STORE_UNAVAILABLE: "upstream_unreachable",
  RATE_LIMITED: "rate_limited",
  UNAUTHORIZED: "unauthorized",
  FORBIDDEN: "forbidden",
  NOT_FOUND: "not_found",
  JOB_EXPIRED: "not_found",
  PAYLOAD_TOO_LARGE: "payload_too_large",
  CONFLICT: "conflict",
  INTERNAL: "upstream_error",
};

/** Where v2 has another status than our own routes. */
const v2Status: Readonly<Partial<Record<ErrorCode, number>>> = {
  INVALID_PROMPT: 422,
  VALIDATION_FAILED: 422,
  GRAPH_CYCLE: 422,
  LIMIT_EXCEEDED: 422,
  FILE_MISSING: 422,
  FILE_REFUSED: 422,
  JOB_EXPIRED: 404,
  // The SDK repeats a 429 that says when; a 503 it gives up on.
  NO_WORKER: 429,
};

export function v2StatusOf(code: ErrorCode): number {
  return v2Status[code] ?? httpStatus[code];
}

/** `{"error": {"code", "message", "details"?}}`, on every error: without it the SDK guesses from the status. */
export function v2ErrorBody({ code, message, details }: CodedError) {
  return {
    error: {
      code: v2Codes[code] ?? "invalid_request",
      message: code === "INTERNAL" ? "something failed that should not have" : message,
      ...(Object.keys(details).length > 0 && { details }),
    },
  };
}

export function sendV2Error(reply: FastifyReply, error: CodedError): FastifyReply {
  return withRetryAfter(reply, error)
    .code(v2StatusOf(error.code))
    .type("application/json; charset=utf-8")
    .send(JSON.stringify(v2ErrorBody(error)));
}

/** One answer for what is not there, has expired, or is somebody else's. */
export function notFound(what: string, id: string): CodedError {
  return new CodedError("NOT_FOUND", `there is no ${what} ${JSON.stringify(id)}`);
}
