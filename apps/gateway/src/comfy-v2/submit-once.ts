import { randomUUID } from "node:crypto";
import type { JobRecord, JobStore } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";
import type { FastifyRequest } from "fastify";
import {
  type IdempotencyKeys,
  type KeyClaim,
  mayBeUnsent,
  mayHaveLeftJob,
} from "../idempotency/keys.ts";
import { promisedJob } from "../idempotency/promised-job.ts";
import { fingerprint, readIdempotencyKey } from "../idempotency/read-key.ts";
import type { JobIntake } from "../submit/job-intake.ts";
import type { Submission } from "../submit/submit-job.ts";
import { refusal } from "./read-submission.ts";

export interface SubmitOnceOptions {
  readonly intake: JobIntake;
  readonly keys: IdempotencyKeys;
  readonly store: Pick<JobStore, "find" | "promise">;
}

export interface SubmittedOnce {
  readonly jobId: string;
  /** It is the job of an earlier request with this key. */
  readonly isReplay: boolean;
}

/**
 * Submits under the request's `Idempotency-Key`, if it has one. A key serves once, as Comfy API v2 has it: whoever sends it
 * again is refused, unless `Prefer: idempotent-replay` asks for the first job and the body is the same. A key under which no job
 * was made may be used again. Throws IDEMPOTENCY_KEY_REUSED, with the first job in its details, or IDEMPOTENCY_IN_FLIGHT.
 */
export async function submitOnce(
  options: SubmitOnceOptions,
  request: FastifyRequest,
  { body, read }: { readonly body: unknown; readonly read: () => Promise<Submission> },
): Promise<SubmittedOnce> {
  const { principal } = request;
  const key = readIdempotencyKey(request);
  // Of the body as it came: reading the submission puts names in the place of assets.
  const print = key === undefined ? "" : fingerprint(body);
  const submission = await read();
  const submit = async (jobId?: string) => {
    const submitted = await options.intake.submit(principal, {
      ...submission,
      ...(jobId !== undefined && { jobId }),
    });
    if (!submitted.ok) throw refusal(submitted.failure);
    return submitted.job.jobId;
  };
  if (key === undefined) return { jobId: await submit(), isReplay: false };

  const { tenant } = principal;
  const wanted = { surface: "v2", tenant, key, fingerprint: print, jobId: randomUUID() };
  const claim = await options.keys.claim(wanted);
  if (claim.type !== "hold") {
    // Whoever is refused for good may look for the job: once it has its record, it stays.
    if (claim.type === "held") await options.store.promise(principal.own, claim.jobId);
    return replay(claim, request);
  }
  const { hold } = claim;
  let job: JobRecord | undefined;
  try {
    if (hold.found !== "new") job = await promisedJob(options.store, principal.own, hold.jobId);
    if (job === undefined) await submit(hold.jobId);
    else if (mayBeUnsent(job, hold)) await options.intake.resend(job, submission);
  } catch (error) {
    const isKept = job !== undefined || mayHaveLeftJob(error, hold);
    await (isKept ? hold.left(false) : hold.forgotten());
    throw error;
  }
  await hold.answered(201);
  if (job === undefined) return { jobId: hold.jobId, isReplay: false };
  return replay({ type: "answered", jobId: hold.jobId, status: 201 }, request);
}

function replay(
  { type, jobId }: Exclude<KeyClaim, { readonly type: "hold" }>,
  { headers }: FastifyRequest,
): SubmittedOnce {
  const wishes = [headers.prefer].flat().join(",").split(",");
  const wantsReplay = wishes.some((wish) => wish.trim().toLowerCase() === "idempotent-replay");
  if (type === "answered" && wantsReplay) return { jobId, isReplay: true };
  // Its job may still come to nothing. Who asks for no replay is refused all the same: the contract knows no third answer.
  if (type === "held" && wantsReplay) {
    throw new CodedError(
      "IDEMPOTENCY_IN_FLIGHT",
      "Idempotency-Key: the first request with it is not answered yet: ask again",
    );
  }
  throw new CodedError(
    "IDEMPOTENCY_KEY_REUSED",
    "Idempotency-Key: an earlier request used it; a key serves once",
    { details: { job_id: jobId, job: `/api/v2/jobs/${jobId}` } },
  );
}
