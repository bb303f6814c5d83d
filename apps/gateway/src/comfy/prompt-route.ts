import { CodedError, DEFAULT_POOL, type ExtraData, jobIdSchema } from "@rabbitloom/protocol";
import { pythonFloat, stringifyJson } from "@rabbitloom/workflow";
import type { FastifyInstance } from "fastify";
import { sendComfyJson, sendComfyText } from "../http/comfy-reply.ts";
import { isObject, jsonBody, kindOf } from "../http/json-body.ts";
import { operation } from "../openapi/operation.ts";
import type { JobIntake } from "../submit/job-intake.ts";
import type { Submission } from "../submit/submit-job.ts";
import type { QueueStatus } from "../ws/queue-status.ts";
import { postPrompt, readQueueSize } from "./prompt-operations.ts";

export interface ComfyPromptOptions {
  readonly intake: JobIntake;
  readonly status: QueueStatus;
}

/** `/prompt`: takes a job in, tells how many there are. */
export function comfyPromptRoutes(
  app: FastifyInstance,
  { intake, status }: ComfyPromptOptions,
): void {
  app.get("/prompt", operation(readQueueSize), async (_request, reply) =>
    sendComfyJson(reply, { exec_info: { queue_remaining: await status.refresh() } }),
  );

  app.post("/prompt", operation(postPrompt), async (request, reply) => {
    const body = jsonBody(request.body);
    if (!isObject(body) || !Object.hasOwn(body, "prompt")) {
      return sendComfyJson(reply.code(400), NO_PROMPT);
    }
    const submission = readComfyPrompt(body);
    const submitted = await intake.submit(request.principal, submission);
    if (!submitted.ok) return sendComfyJson(reply.code(400), submitted.failure);
    const { jobId, number, nodeErrors } = submitted.job;
    request.auditTarget = jobId;
    // A number that the client chose is a float, as in Python: 3 comes back as 3.0.
    const shown = submission.number === undefined ? String(number) : pythonFloat(number);
    const errors = stringifyJson(nodeErrors, { form: "python" });
    return sendComfyText(
      reply,
      `{"prompt_id": "${jobId}", "number": ${shown}, "node_errors": ${errors}}`,
    );
  });
}

const NO_PROMPT = {
  error: {
    type: "no_prompt",
    message: "No prompt provided",
    details: "No prompt provided",
    extra_info: {},
  },
  node_errors: {},
};

/** Reads the body's members as ComfyUI does; what makes ComfyUI fail with 500 is INVALID_REQUEST here. */
export function readComfyPrompt(body: Readonly<Record<string, unknown>>): Submission {
  const clientId = readClientId(body.client_id);
  return {
    prompt: body.prompt,
    jobId: readPromptId(body.prompt_id),
    clientId,
    extraData: readExtraData(body.extra_data, clientId),
    targets: readTargets(body.partial_execution_targets),
    number: readNumber(body.number),
    front: body.number === undefined && Boolean(body.front),
    lane: "normal",
    pool: DEFAULT_POOL,
  };
}

function readPromptId(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const text = typeof value === "number" || typeof value === "bigint" ? String(value) : value;
  const parsed = jobIdSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw wrong("prompt_id", "1 to 64 of A-Z a-z 0-9 _ -", value);
}

function readClientId(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string" && value.length <= 256) return value;
  throw wrong("client_id", "a text of at most 256 characters", value);
}

/** ComfyUI's worker dies of `null`; here it means the same as nothing. */
function readExtraData(value: unknown, clientId: string | undefined): ExtraData {
  if (value !== undefined && value !== null && !isObject(value)) {
    throw wrong("extra_data", "an object", value);
  }
  return clientId === undefined ? (value ?? {}) : { ...value, client_id: clientId };
}

function readTargets(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value) && value.every((id) => typeof id === "string")) return value;
  throw wrong("partial_execution_targets", "a list of node ids", value);
}

/** Longer than any float is written. */
const LONGEST_NUMBER = 400;
/** As Python's `float` reads it, in time that grows with the text: no two parts can take the same digits. */
const NUMBER = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i;

function readNumber(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const isNumeric =
    typeof value === "string" && value.length <= LONGEST_NUMBER && NUMBER.test(value);
  const number = typeof value === "number" || isNumeric ? Number(value) : Number.NaN;
  if (Number.isFinite(number)) return number;
  throw wrong("number", "a number", value);
}

function wrong(name: string, expected: string, value: unknown): CodedError {
  const got = typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : kindOf(value);
  return new CodedError("INVALID_REQUEST", `${name}: expected ${expected}, got ${got}`);
}
