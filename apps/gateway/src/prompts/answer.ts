import { createHash } from "node:crypto";
import type { JobEndEvent, OutputFile, Prompt } from "@rabbitloom/protocol";
import { CodedError } from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import type { FastifyReply, FastifyRequest } from "fastify";
import { executionError, executionInterrupted } from "../comfy/execution-messages.ts";
import { contentDisposition } from "../files/content-disposition.ts";
import { existingFile, type Folders } from "../files/folders.ts";
import { safeMediaType } from "../files/media-type.ts";
import { isImage, outputFiles, viewUrl } from "../files/output-files.ts";
import { sendFile } from "../files/send-file.ts";
import { untrusted } from "../files/untrusted.ts";
import { baseUrl } from "../http/base-url.ts";
import { chooseAnswer } from "./choose-answer.ts";

export interface SuccessAnswer {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly end: JobEndEvent;
  readonly prompt: Prompt;
  /** The header. */
  readonly accept: string | undefined;
  readonly folders: Folders;
  readonly publicUrl: string | undefined;
}

/** What the client accepts best of what the job made. 204 only where the job showed nothing at all. */
export async function answerSuccess(answer: SuccessAnswer): Promise<FastifyReply> {
  const { request, reply, end, prompt, accept, publicUrl } = answer;
  const { jobId, outputs } = end;
  const files = outputFiles(outputs);
  const images = files.filter(isImage);
  reply
    .header("location", `/api/v1/prompts/${jobId}`)
    .header("vary", "accept")
    .header(
      "digest",
      `SHA-256=${createHash("sha256").update(stringifyJson(prompt)).digest("hex")}`,
    );
  const [only] = images;
  if (only !== undefined && images.length === 1) {
    reply.header("content-disposition", contentDisposition(only.filename));
  }
  const chosen = chooseAnswer(outputs, accept);
  switch (chosen.form) {
    case "nothing":
      return reply.code(204).send();
    case "text":
      return reply.type("text/plain; charset=utf-8").send(chosen.text);
    case "file":
      return sendOutput(answer, chosen.file, chosen.type);
    case "json": {
      const base = baseUrl(request, publicUrl);
      const urls = files.map((file) => viewUrl(base, file));
      return reply
        .type("application/json; charset=utf-8")
        .send(stringifyJson({ urls, outputs, prompt_id: jobId }));
    }
  }
}

async function sendOutput(
  { request, reply, folders }: SuccessAnswer,
  { filename, subfolder, type: folder }: OutputFile,
  type: string,
): Promise<FastifyReply> {
  const path = await existingFile(folders[folder], subfolder, filename);
  if (path === undefined) {
    throw new CodedError(
      "INTERNAL",
      `the file ${JSON.stringify(filename)} was saved, but is not in the ${folder} folder of this gateway`,
    );
  }
  const { download } = safeMediaType(filename);
  untrusted(reply)
    .header("content-type", type)
    .header("content-disposition", contentDisposition(filename, { download }));
  return sendFile(request, reply, path);
}

/** A run that failed, as hiddenswitch's API answers: 500 with the status that history shows. */
export function answerFailure(reply: FastifyReply, end: JobEndEvent): FastifyReply {
  const { jobId, state, at, attempt } = end;
  const error = end.error ?? {
    code: "INTERNAL",
    message: `the job ended as ${state}`,
    retryable: false,
  };
  const facts = { jobId, error, timestamp: Date.parse(at) };
  const last =
    state === "cancelled"
      ? ["execution_interrupted", executionInterrupted(facts)]
      : ["execution_error", executionError(facts)];
  return reply
    .code(500)
    .header("location", `/api/v1/prompts/${jobId}`)
    .type("application/json; charset=utf-8")
    .send(
      stringifyJson({
        status_str: "error",
        completed: false,
        messages: [last],
        prompt_id: jobId,
        code: error.code,
        state,
        attempt,
        error_details: error,
      }),
    );
}
