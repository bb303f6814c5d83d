import {
  CodedError,
  isCodedError,
  isTerminal,
  type JobError,
  type JobMessage,
} from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import * as z from "zod";
import { jobError } from "./job-error.ts";
import type { JobStore } from "./job-store.ts";
import { notedNumbers } from "./names.ts";
import { readRecord, tenantOf } from "./reads.ts";
import { payloadText, tagsText } from "./record.ts";
import { claimScript, progressScript, releaseScript } from "./scripts/attempt.ts";
import { promiseScript, submitScript, withdrawScript } from "./scripts/submit.ts";
import type { StoreContext } from "./store-context.ts";
import type { AttemptStatus, Claim, ClaimRequest, JobRecord, NewJob } from "./store-types.ts";
import { webhookArguments } from "./webhooks.ts";

/** A message that RabbitMQ refused may have come through before, on a connection that was lost with its confirm. */
const REFUSED_MS = 3_600_000;

/** From the submission of a job to its last attempt. */
export function attempts(
  context: StoreContext,
): Pick<JobStore, "submit" | "withdraw" | "promise" | "claim" | "reportProgress" | "release"> {
  const { run, retention, aliveMs } = context;

  async function runClaim(request: ClaimRequest, payload: string) {
    const { workerId, message, isFirstDelivery = false, token = "", turn } = request;
    const answer = await run(
      claimScript,
      workerId,
      deadlineError,
      cancelError,
      ...retention,
      ...newJobArguments({ message }, payload),
      isFirstDelivery ? "1" : "0",
      token,
      aliveMs,
      turn?.tenant ?? "",
      turn?.token ?? "",
      turn?.before ?? "",
    );
    return claimSchema.parse(answer);
  }

  return {
    async submit(job) {
      const payload = payloadText(job.message, job.reply);
      const answer = await run(
        submitScript,
        ...newJobArguments(job, payload),
        job.maxPending ?? "",
        job.inOwnQueue ? "1" : "0",
        job.maxPendingBytes ?? "",
        ...webhookArguments(job.webhook),
      );
      if (answer === "full") {
        throw new CodedError(
          "QUEUE_FULL",
          `the tenant has ${job.maxPending} jobs waiting, as many as it may`,
        );
      }
      if (answer === "large") {
        throw new CodedError(
          "QUEUE_FULL",
          `the tenant's waiting jobs may have ${job.maxPendingBytes} bytes together, and would have more`,
        );
      }
      if (answer === null) {
        throw new CodedError("CONFLICT", `job ${job.message.jobId} exists already`);
      }
      const [number, isClosing, hasStream] = submittedSchema.parse(answer);
      return { number, isQueueClosing: isClosing === "1", hasOldStream: hasStream === "1" };
    },

    async withdraw({ jobId, tenant, submission = "" }, { mayArrive }) {
      const answer = await run(
        withdrawScript,
        jobId,
        tenant,
        submission,
        mayArrive ? "" : REFUSED_MS,
      );
      return answer === 1;
    },

    async promise(reach, jobId) {
      return (await run(promiseScript, jobId, tenantOf(reach))) === 1;
    },

    async claim(request): Promise<Claim> {
      const { message } = request;
      // A job with a record needs no payload; one that came over AMQP is asked about twice.
      let [type, ...rest] = await runClaim(request, "");
      if (type === "unknown") {
        [type, ...rest] = await runClaim(request, payloadText(message, request.reply));
      }
      switch (type) {
        case "claimed":
          return {
            type,
            attempt: z.coerce.number().parse(rest[0]),
            staleFiles: notedNumbers(rest.slice(1)),
          };
        case "cancelled":
          return { type, attempt: z.coerce.number().parse(rest[0]), error: cancelled };
        case "expired":
          return { type, attempt: z.coerce.number().parse(rest[0]), error: deadlinePassed };
        case "ended": {
          const record = await readEnded(context, message.jobId);
          if (record === undefined || !isTerminal(record.state)) return { type };
          return { type, state: record.state, record };
        }
        case "duplicate":
        case "foreign":
        case "busy":
          return { type };
        case "gone":
        case "unknown":
          return { type: "ended" };
      }
    },

    async reportProgress(jobId, attempt, { lastSeq, progress }): Promise<AttemptStatus> {
      const text = progress === undefined ? "" : stringifyJson(progress);
      const answer = await run(progressScript, jobId, attempt, lastSeq, text);
      const [isLive, isCancelRequested] = z.tuple([z.number(), z.number()]).parse(answer);
      return { isLive: isLive === 1, isCancelRequested: isCancelRequested === 1 };
    },

    async release(jobId, attempt, error) {
      const isToBlame = error === undefined ? "0" : "1";
      const text = error === undefined ? "" : stringifyJson(error);
      const faults = z.number().parse(await run(releaseScript, jobId, attempt, isToBlame, text));
      return faults < 0 ? undefined : { faults };
    },
  };
}

/** Undefined where it is no longer kept, or cannot be read: nobody will then be told more of it. */
async function readEnded(context: StoreContext, jobId: string): Promise<JobRecord | undefined> {
  try {
    return await readRecord(context, "every-tenant", jobId);
  } catch (error) {
    // Whoever takes silence for an answer leaves the end unsaid.
    if (isCodedError(error) && error.isRetryable) throw error;
    return undefined;
  }
}

const cancelled: JobError = jobError("JOB_CANCELLED", "The job was cancelled.");
const cancelError = stringifyJson(cancelled);
export const deadlinePassed: JobError = jobError(
  "QUEUE_DEADLINE",
  "The job was not started before its deadline.",
);
const deadlineError = stringifyJson(deadlinePassed);

const submittedSchema = z.tuple([z.coerce.number(), z.string(), z.string()]);

const claimSchema = z
  .tuple([
    z.enum([
      "claimed",
      "duplicate",
      "busy",
      "foreign",
      "ended",
      "gone",
      "unknown",
      "cancelled",
      "expired",
    ]),
  ])
  .rest(z.union([z.string(), z.number()]));

/** In the order of `create_job` in scripts/submit.ts. */
function newJobArguments(
  { message, number, front = false }: Omit<NewJob, "message"> & { message: JobMessageWithId },
  payload: string,
): (string | number)[] {
  const { jobId, lane, pool, clientId, gatewayId, tenant } = message;
  const { submittedAt, deadlineAt, limits, tags, submission = "" } = message;
  return [
    jobId,
    payload,
    lane,
    pool,
    clientId ?? "",
    gatewayId ?? "",
    submittedAt === undefined ? "" : Date.parse(submittedAt),
    deadlineAt === undefined ? "" : Date.parse(deadlineAt),
    number ?? "",
    front ? "1" : "0",
    tenant,
    limits?.queueSeconds === undefined ? "" : Math.round(limits.queueSeconds * 1_000),
    tagsText(tags),
    submission,
  ];
}

type JobMessageWithId = JobMessage & { readonly jobId: string };
