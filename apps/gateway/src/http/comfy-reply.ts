import { type CodedError, errorCodes } from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import type { FastifyReply } from "fastify";
import { httpStatus } from "./http-status.ts";
import { withRetryAfter } from "./problem.ts";

/** JSON as ComfyUI writes it: `", "` and `": "`, everything outside ASCII escaped. */
export function sendComfyJson(reply: FastifyReply, value: unknown): FastifyReply {
  return sendComfyText(reply, stringifyJson(value, { form: "python" }));
}

/** The same for a text that is that JSON already. */
export function sendComfyText(reply: FastifyReply, json: string | Buffer): FastifyReply {
  return reply.header("content-type", "application/json; charset=utf-8").send(json);
}

/** ComfyUI's answers without a body say `application/octet-stream`. */
export function sendNothing(reply: FastifyReply, status = 200): FastifyReply {
  return reply.code(status).header("content-type", "application/octet-stream").send("");
}

/** A sentence, where ComfyUI says one in place of JSON. */
export function sendPlainText(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).type("text/plain; charset=utf-8").send(text);
}

/** An error in the shape that ComfyUI's clients read: `{error: {type, message, ...}, node_errors}`. */
export function sendComfyError(reply: FastifyReply, error: CodedError): FastifyReply {
  return sendComfyJson(
    withRetryAfter(reply, error).code(httpStatus[error.code]),
    comfyErrorBody(error),
  );
}

export function comfyErrorBody(error: CodedError): Record<string, unknown> {
  return {
    error: {
      type: error.code.toLowerCase(),
      message: errorCodes[error.code].summary,
      details: error.message,
      extra_info: { code: error.code, ...error.details },
    },
    node_errors: {},
  };
}
