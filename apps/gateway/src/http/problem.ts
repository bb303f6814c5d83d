import { type CodedError, errorCodes } from "@rabbitloom/protocol";
import type { FastifyReply } from "fastify";
import { httpStatus, retryAfterSeconds } from "./http-status.ts";

/** An error as RFC 9457 writes it, with our code and whatever facts came along. */
export function problemBody(error: CodedError): Record<string, unknown> {
  const { retryable, summary } = errorCodes[error.code];
  return {
    type: `urn:rabbitloom:error:${error.code}`,
    title: summary,
    status: httpStatus[error.code],
    detail: error.message,
    code: error.code,
    retryable,
    ...error.details,
  };
}

/** Answers with `application/problem+json`: our own routes speak so. */
export function sendProblem(reply: FastifyReply, error: CodedError): FastifyReply {
  return withRetryAfter(reply, error)
    .code(httpStatus[error.code])
    .type("application/problem+json")
    .send(JSON.stringify(problemBody(error)));
}

export function withRetryAfter(reply: FastifyReply, { code, details }: CodedError): FastifyReply {
  const told = details.retryAfterSeconds;
  const seconds = typeof told === "number" ? told : retryAfterSeconds[code];
  return seconds === undefined ? reply : reply.header("retry-after", seconds);
}
