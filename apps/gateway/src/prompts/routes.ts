import { CodedError, isTerminal, jobIdSchema } from "@rabbitloom/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { historyStatus } from "../comfy/history-entry.ts";
import { bestType } from "../http/accept.ts";
import { jsonBody } from "../http/json-body.ts";
import { disconnection } from "../http/once-closed.ts";
import { readPreferences } from "../http/prefer.ts";
import { fingerprint, readIdempotencyKey } from "../idempotency/read-key.ts";
import { operation } from "../openapi/operation.ts";
import { answerOnce } from "./answer-once.ts";
import { answerTypes } from "./choose-answer.ts";
import {
  answerPrompt,
  type ExchangeOptions,
  RETRY_AFTER_SECONDS,
  sendJson,
  sendPrompt,
} from "./exchange.ts";
import { readMultipartPrompt } from "./multipart-prompt.ts";
import { readLastPrompt, readPrompt, submitPrompt } from "./operations.ts";
import { readPromptRequest } from "./prompt-request.ts";

export interface PromptRouteOptions extends ExchangeOptions {
  readonly maxUploadBytes: number;
  readonly maxPromptBytes: number;
}

/** `/api/v1/prompts`: one request, one picture; or a job to come back for. */
export function promptRoutes(app: FastifyInstance, options: PromptRouteOptions): void {
  const { store, maxUploadBytes } = options;

  app.post<{ Querystring: Record<string, string | undefined> }>(
    "/api/v1/prompts",
    { bodyLimit: maxUploadBytes, ...operation(submitPrompt) },
    async (request, reply) => {
      const preferences = readPreferences({
        prefer: headerText(request, "prefer"),
        query: request.query.prefer,
        accept: request.headers.accept,
        contentType: request.headers["content-type"],
      });
      const accept = acceptable(request);
      const key = readIdempotencyKey(request);
      const body = await readBody(request, options);
      const submission = readPromptRequest(body);
      const exchange = { request, reply, preferences, accept, gone: disconnection(reply) };
      if (key === undefined) {
        return answerPrompt(options, exchange, await sendPrompt(options, exchange, submission));
      }
      return answerOnce(options, exchange, { key, submission, print: fingerprint(body) });
    },
  );

  app.get<{ Params: { id: string } }>(
    "/api/v1/prompts/:id",
    operation(readPrompt),
    async (request, reply) => {
      const { id } = request.params;
      const job = jobIdSchema.safeParse(id).success
        ? await store.find(request.principal.sees, id)
        : undefined;
      if (job === undefined)
        throw new CodedError("NOT_FOUND", `there is no prompt ${JSON.stringify(id)}`);
      if (!isTerminal(job.state))
        return reply.header("retry-after", RETRY_AFTER_SECONDS).code(204).send();
      if (job.state !== "succeeded") {
        const code = job.error?.code ?? "INTERNAL";
        return sendJson(reply.code(500), {
          ...historyStatus(job),
          prompt_id: id,
          code,
          error_details: job.error,
        });
      }
      return sendJson(reply, job.outputs ?? {});
    },
  );

  app.get("/api/v1/prompts", operation(readLastPrompt), async (request, reply) => {
    const [last] = await store.history(request.principal.own, { maxItems: 1 });
    if (last === undefined) throw new CodedError("NOT_FOUND", "no prompt has run yet");
    return sendJson(reply, last.prompt);
  });
}

async function readBody(
  request: FastifyRequest,
  options: Pick<PromptRouteOptions, "foldersOf" | "maxPromptBytes" | "maxUploadBytes">,
): Promise<unknown> {
  const { foldersOf, maxPromptBytes } = options;
  if (request.isMultipart()) {
    return readMultipartPrompt(request, foldersOf(request.principal.tenant), options);
  }
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  // Clients of ComfyUI send JSON as plain text, as a form, or as nothing; other types are somebody's mistake.
  const isTaken =
    ["", "text/plain", "application/x-www-form-urlencoded", "application/octet-stream"].includes(
      type,
    ) || /^(application|text)\/([a-z0-9.-]+\+)?json(\+[a-z-]+)?$/.test(type);
  if (!isTaken) {
    throw new CodedError(
      "UNSUPPORTED_MEDIA_TYPE",
      `content type: expected application/json or multipart/form-data, got ${JSON.stringify(type)}`,
    );
  }
  if (typeof request.body === "string" && Buffer.byteLength(request.body) > maxPromptBytes) {
    throw new CodedError(
      "PAYLOAD_TOO_LARGE",
      `body: expected at most ${maxPromptBytes} bytes of JSON; files go into a multipart body`,
    );
  }
  return jsonBody(request.body);
}

/** Before the job runs: nobody should wait for an answer that cannot be given. */
function acceptable({ headers }: FastifyRequest): string | undefined {
  if (bestType(headers.accept, answerTypes) !== undefined) return headers.accept;
  throw new CodedError(
    "NOT_ACCEPTABLE",
    `Accept: expected one of ${answerTypes.join(", ")}, got ${JSON.stringify(headers.accept)}`,
  );
}

function headerText({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}
