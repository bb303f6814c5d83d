import { randomUUID } from "node:crypto";
import { type JobRecord, type JobStore, jobExpired, type Reach } from "@rabbitloom/jobs";
import { CodedError, DEFAULT_TENANT, isCodedError, jobIdSchema } from "@rabbitloom/protocol";
import type { FastifyReply } from "fastify";
import { endFromView } from "../events/end-of-job.ts";
import { type KeyHold, mayBeUnsent, mayHaveLeftJob } from "../idempotency/keys.ts";
import { promisedJob } from "../idempotency/promised-job.ts";
import { canonicalJson } from "../idempotency/read-key.ts";
import type { Submission } from "../submit/submit-job.ts";
import {
  answerPrompt,
  type Exchange,
  type ExchangeOptions,
  type Outcome,
  sendAccepted,
  sendPrompt,
  waitOf,
} from "./exchange.ts";
import { joinJob } from "./join-job.ts";

export interface KeyedSubmission {
  readonly key: string;
  readonly submission: Submission;
  /** Digest of the body. */
  readonly print: string;
}

/**
 * Answers a request whose key names one job at most. Where the key may be a job's id it is the job's id, so that a
 * message with the same id over AMQP is the same job. A request that was refused without a job leaves its key free.
 */
export async function answerOnce(
  options: ExchangeOptions,
  exchange: Exchange,
  { key, submission, print }: KeyedSubmission,
): Promise<FastifyReply> {
  const { tenant } = exchange.request.principal;
  // Services send for the default tenant alone, and two tenants may have the same key.
  const isJobId = tenant === DEFAULT_TENANT && jobIdSchema.safeParse(key).success;
  const jobId = submission.jobId ?? (isJobId ? key : randomUUID());
  const keyed = { surface: "v1", tenant, key, fingerprint: print, jobId };
  const claim = await options.keys.claim(keyed);
  switch (claim.type) {
    case "held":
      throw new CodedError(
        "IDEMPOTENCY_IN_FLIGHT",
        "the first request with this Idempotency-Key is not answered yet: ask again",
        { details: { prompt_id: claim.jobId } },
      );
    case "reused":
      throw keyReused(claim.jobId);
    case "answered":
      return replay(options, exchange, claim);
    case "hold":
      return answerFirst(options, exchange, claim.hold, submission);
  }
}

function keyReused(jobId: string): CodedError {
  return new CodedError(
    "IDEMPOTENCY_KEY_REUSED",
    "this Idempotency-Key came with another body before: take a new key for a new request",
    { details: { prompt_id: jobId } },
  );
}

async function replay(
  options: ExchangeOptions,
  exchange: Exchange,
  { jobId, status }: { readonly jobId: string; readonly status: number },
): Promise<FastifyReply> {
  exchange.reply.header("idempotent-replayed", "true");
  if (status === 202) return sendAccepted(exchange.reply, jobId);
  const job = await options.store.find(exchange.request.principal.own, jobId);
  if (job === undefined) throw jobExpired(jobId);
  const outcome = { type: "accepted", jobId, prompt: job.prompt, end: endFromView(job) } as const;
  return answerPrompt(options, exchange, outcome);
}

async function answerFirst(
  options: ExchangeOptions,
  exchange: Exchange,
  hold: KeyHold,
  submission: Submission,
): Promise<FastifyReply> {
  let job: JobRecord | undefined;
  let outcome: Outcome;
  try {
    job = await findJob(options.store, exchange.request.principal.own, hold);
    // A new key whose job is there: it came over AMQP, or under its `prompt_id`.
    if (job !== undefined && hold.found === "new" && !isSame(job, submission)) {
      throw keyReused(job.id);
    }
    if (job !== undefined && mayBeUnsent(job, hold)) await options.intake.resend(job, submission);
    outcome =
      job === undefined
        ? await sendPrompt(options, exchange, { ...submission, jobId: hold.jobId })
        : await joined(options, exchange, job);
  } catch (error) {
    const isKept = (job !== undefined && hold.found !== "new") || mayHaveLeftJob(error, hold);
    // A job that has ended was on its way.
    const isSent = isCodedError(error) && error.code === "JOB_EXPIRED";
    await (isKept ? hold.left(isSent) : hold.forgotten());
    throw error;
  }
  if (outcome.type === "refused") await hold.forgotten();
  else if (outcome.end === undefined && exchange.gone.signal.aborted) await hold.left(true);
  else await hold.answered(outcome.end === undefined ? 202 : 200);
  if (job !== undefined) exchange.reply.header("idempotent-replayed", "true");
  return answerPrompt(options, exchange, outcome);
}

async function joined(
  options: ExchangeOptions,
  exchange: Exchange,
  job: JobRecord,
): Promise<Outcome> {
  const wait = waitOf(exchange);
  const end = wait === undefined ? undefined : await joinJob(options, job, wait);
  return { type: "accepted", jobId: job.id, prompt: job.prompt, end };
}

async function findJob(
  store: JobStore,
  reach: Reach,
  { jobId, found }: KeyHold,
): Promise<JobRecord | undefined> {
  try {
    const job = await promisedJob(store, reach, jobId);
    // It was on its way: that it ended has been forgotten, too.
    if (job === undefined && found === "left") throw jobExpired(jobId);
    return job;
  } catch (error) {
    // What has been forgotten stops nobody from using its name, but this key's own job does not run again.
    if (found === "new" && isCodedError(error) && error.code === "JOB_EXPIRED") return undefined;
    throw error;
  }
}

function isSame({ prompt }: JobRecord, submission: Submission): boolean {
  return canonicalJson(prompt) === canonicalJson(submission.prompt);
}
