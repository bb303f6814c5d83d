import type { JobStore } from "@rabbitloom/jobs";
import { CodedError, isTerminal, type JobEndEvent, jobIdSchema } from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { historyStatus } from "../comfy/history-entry.ts";
import type { JobHub } from "../events/job-hub.ts";
import { waitForEnd } from "../events/wait-for-end.ts";
import type { Folders } from "../files/folders.ts";
import { bestType } from "../http/accept.ts";
import { jsonBody } from "../http/json-body.ts";
import { preferenceApplied, readPreferences } from "../http/prefer.ts";
import type { CancelDependencies } from "../jobs/cancel-job.ts";
import { cancelJob } from "../jobs/cancel-job.ts";
import type { JobIntake } from "../submit/job-intake.ts";
import { type AnswerForm, answerFailure, answerForms, answerSuccess } from "./answer.ts";
import { readMultipartPrompt } from "./multipart-prompt.ts";
import { readPromptRequest } from "./prompt-request.ts";
import { validationProblem } from "./validation-problem.ts";

export interface PromptRouteOptions extends CancelDependencies {
  readonly store: JobStore;
  readonly hub: JobHub;
  readonly intake: JobIntake;
  readonly folders: Folders;
  readonly publicUrl: string | undefined;
  readonly maxUploadBytes: number;
  readonly maxPromptBytes: number;
}

/** Seconds after which asking for a job that was just taken in is worth while. */
const RETRY_AFTER_SECONDS = 1;

/** `/api/v1/prompts`: one request, one picture; or a job to come back for. */
export function promptRoutes(app: FastifyInstance, options: PromptRouteOptions): void {
  const { store, hub, intake, maxUploadBytes } = options;

  app.post<{ Querystring: Record<string, string | undefined> }>(
    "/api/v1/prompts",
    { bodyLimit: maxUploadBytes },
    async (request, reply) => {
      const preferences = readPreferences({
        prefer: headerText(request, "prefer"),
        query: request.query.prefer,
        accept: request.headers.accept,
        contentType: request.headers["content-type"],
      });
      const form = answerForm(request);
      const submission = readPromptRequest(await readBody(request, options));
      const gone = disconnection(reply);
      let ending: Promise<JobEndEvent | undefined> | undefined;
      const submitted = await intake.submit(submission, {
        beforePublish: (jobId) => {
          // Both together mean: wait so long, then answer 202 (RFC 7240, 4.3).
          if (preferences.respondAsync && preferences.waitSeconds === undefined) return;
          const timeoutMs =
            preferences.waitSeconds === undefined ? undefined : preferences.waitSeconds * 1000;
          ending = waitForEnd(hub, jobId, { timeoutMs, signal: gone.signal });
        },
        onRefused: () => gone.abort(),
      });
      if (!submitted.ok) return sendValidationFailure(reply, submitted.failure);
      const { jobId, prompt } = submitted.job;
      const applied = preferenceApplied(preferences);
      if (applied !== "") reply.header("preference-applied", applied);

      const end = await ending;
      if (end === undefined) {
        if (gone.signal.aborted && preferences.cancelOnDisconnect) await cancelJob(options, jobId);
        return sendAccepted(reply, jobId);
      }
      if (end.state !== "succeeded") return answerFailure(reply, end);
      return answerSuccess({ request, reply, end, prompt, form, ...options });
    },
  );

  app.get<{ Params: { id: string } }>("/api/v1/prompts/:id", async (request, reply) => {
    const { id } = request.params;
    const job = jobIdSchema.safeParse(id).success ? await store.find(id) : undefined;
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
  });

  app.get("/api/v1/prompts", async (_request, reply) => {
    const [last] = await store.history({ maxItems: 1 });
    if (last === undefined) throw new CodedError("NOT_FOUND", "no prompt has run yet");
    return sendJson(reply, last.prompt);
  });
}

async function readBody(
  request: FastifyRequest,
  { folders, maxPromptBytes }: Pick<PromptRouteOptions, "folders" | "maxPromptBytes">,
): Promise<unknown> {
  if (request.isMultipart()) return readMultipartPrompt(request, folders);
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

function answerForm(request: FastifyRequest): AnswerForm {
  const form = bestType(request.headers.accept, answerForms);
  if (form !== undefined) return form;
  throw new CodedError(
    "NOT_ACCEPTABLE",
    `Accept: expected one of ${answerForms.join(", ")}, got ${JSON.stringify(request.headers.accept)}`,
  );
}

/** Aborts when the client goes away before it was answered. */
function disconnection(reply: FastifyReply): AbortController {
  const gone = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone;
}

function sendAccepted(reply: FastifyReply, jobId: string): FastifyReply {
  return sendJson(
    reply
      .code(202)
      .header("location", `/api/v1/prompts/${jobId}`)
      .header("retry-after", RETRY_AFTER_SECONDS),
    { prompt_id: jobId },
  );
}

function sendValidationFailure(
  reply: FastifyReply,
  failure: Parameters<typeof validationProblem>[0],
): FastifyReply {
  return reply
    .code(400)
    .type("application/problem+json")
    .send(stringifyJson(validationProblem(failure)));
}

function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type("application/json; charset=utf-8").send(stringifyJson(value));
}

function headerText({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}
