import type { JobStore } from "@rabbitloom/jobs";
import type { JobEndEvent, Prompt } from "@rabbitloom/protocol";
import { type PromptFailure, stringifyJson } from "@rabbitloom/workflow";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { JobHub } from "../events/job-hub.ts";
import { waitForEnd } from "../events/wait-for-end.ts";
import type { WordLeases } from "../events/word-leases.ts";
import type { TenantFolders } from "../files/tenant-folders.ts";
import { type Preferences, preferenceApplied } from "../http/prefer.ts";
import type { IdempotencyKeys } from "../idempotency/keys.ts";
import { type CancelDependencies, cancelJob } from "../jobs/cancel-job.ts";
import type { JobIntake } from "../submit/job-intake.ts";
import type { Submission } from "../submit/submit-job.ts";
import { answerFailure, answerSuccess } from "./answer.ts";
import type { JobWait } from "./join-job.ts";
import { validationProblem } from "./validation-problem.ts";

export interface ExchangeOptions extends CancelDependencies {
  readonly store: JobStore;
  readonly hub: JobHub;
  readonly words: WordLeases;
  readonly intake: JobIntake;
  readonly keys: IdempotencyKeys;
  readonly foldersOf: TenantFolders;
  readonly publicUrl: string | undefined;
}

/** One request for a job, and how its client wants to be answered. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly preferences: Preferences;
  /** The header. */
  readonly accept: string | undefined;
  /** Aborted when the client goes away before it was answered. */
  readonly gone: AbortController;
}

export type Outcome =
  | { readonly type: "refused"; readonly failure: PromptFailure }
  /** `end` is missing where the client did not want to wait so long. */
  | {
      readonly type: "accepted";
      readonly jobId: string;
      readonly prompt: Prompt;
      readonly end: JobEndEvent | undefined;
    };

/** Seconds after which asking for a job that was just taken in is worth while. */
export const RETRY_AFTER_SECONDS = 1;

/** How long to wait for the end: undefined does not wait. Both preferences together mean: so long, then 202 (RFC 7240, 4.3). */
export function waitOf({ preferences, gone }: Exchange): JobWait | undefined {
  const { respondAsync, waitSeconds } = preferences;
  if (respondAsync && waitSeconds === undefined) return undefined;
  const timeoutMs = waitSeconds === undefined ? undefined : waitSeconds * 1000;
  return { timeoutMs, signal: gone.signal };
}

/** Takes the job in, and waits for its end where that is wanted. */
export async function sendPrompt(
  { hub, intake }: ExchangeOptions,
  exchange: Exchange,
  submission: Submission,
): Promise<Outcome> {
  const { request, gone } = exchange;
  const wait = waitOf(exchange);
  let ending: Promise<JobEndEvent | undefined> | undefined;
  const submitted = await intake.submit(request.principal, submission, {
    beforePublish: (jobId) => {
      if (wait !== undefined) ending = waitForEnd(hub, jobId, wait);
    },
    onRefused: () => gone.abort(),
  });
  if (!submitted.ok) return { type: "refused", failure: submitted.failure };
  const { jobId, prompt } = submitted.job;
  return { type: "accepted", jobId, prompt, end: await ending };
}

/** Tells the client how it went. */
export async function answerPrompt(
  options: ExchangeOptions,
  { request, reply, preferences, accept, gone }: Exchange,
  outcome: Outcome,
): Promise<FastifyReply> {
  if (outcome.type === "refused") {
    return reply
      .code(400)
      .type("application/problem+json")
      .send(stringifyJson(validationProblem(outcome.failure)));
  }
  const { jobId, prompt, end } = outcome;
  request.auditTarget = jobId;
  const applied = preferenceApplied(preferences);
  if (applied !== "") reply.header("preference-applied", applied);
  if (end === undefined) {
    if (gone.signal.aborted && preferences.cancelOnDisconnect) {
      await cancelJob(options, request.principal.touches, jobId);
    }
    return sendAccepted(reply, jobId);
  }
  if (end.state !== "succeeded") return answerFailure(reply, end);
  const folders = options.foldersOf(request.principal.tenant);
  return answerSuccess({ ...options, folders, request, reply, end, prompt, accept });
}

export function sendAccepted(reply: FastifyReply, jobId: string): FastifyReply {
  return sendJson(
    reply
      .code(202)
      .header("location", `/api/v1/prompts/${jobId}`)
      .header("retry-after", RETRY_AFTER_SECONDS),
    { prompt_id: jobId },
  );
}

export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type("application/json; charset=utf-8").send(stringifyJson(value));
}
