import { CodedError, type JobError, jobErrorSchema, jobStateSchema } from "@rabbitloom/protocol";
import { parseJson, stringifyJson } from "@rabbitloom/workflow";
import * as z from "zod";
import { jobError } from "./job-error.ts";
import type { JobStore } from "./job-store.ts";
import { tenantOf } from "./reads.ts";
import { replyIn } from "./record.ts";
import {
  announcedScript,
  buryScript,
  cancelScript,
  finishScript,
  forgetOldestScript,
  forgetScript,
  lastErrorScript,
  refuseScript,
} from "./scripts/ending.ts";
import type { StoreContext } from "./store-context.ts";
import type { Burial, Cancellation, EndedUnrun } from "./store-types.ts";

/** Jobs removed by one script, so that no other call waits long. */
const FORGET_AT_ONCE = 500;

/** Everything that ends a job, and forgets it. */
export function endings({
  run,
  retention,
  goneMs,
  aliveMs,
}: StoreContext): Pick<
  JobStore,
  "finish" | "cancel" | "refuse" | "bury" | "noteAnnounced" | "forget" | "forgetAllEnded"
> {
  /** The error of a job that is given up, with what its last attempt said, and where. */
  async function withLastError(jobId: string, error: JobError): Promise<JobError> {
    const text = await run(lastErrorScript, jobId);
    if (typeof text !== "string") return error;
    const last = jobErrorSchema.parse(parseJson(text));
    const message = `${error.message} The last attempt: ${last.code}: ${last.message}`;
    return { ...last, ...error, message };
  }

  return {
    async finish(jobId, attempt, { state, outputs, error, lastSeq, history }) {
      const answer = await run(
        finishScript,
        jobId,
        attempt,
        state,
        lastSeq,
        stringifyJson(outputs),
        error === undefined ? "" : stringifyJson(error),
        history === undefined ? "" : stringifyJson(history),
        ...retention,
      );
      if (answer === -1) throw new CodedError("NOT_FOUND", `nothing is known of job ${jobId}`);
      return answer === 1;
    },

    async cancel(reach, jobId): Promise<Cancellation> {
      const error = stringifyJson(jobError("JOB_CANCELLED", "The job was cancelled."));
      const answer = await run(cancelScript, jobId, error, ...retention, tenantOf(reach));
      const [found, attempt, gatewayId, payload] = cancellationSchema.parse(answer);
      return {
        found,
        wasRunning: found === "running",
        attempt,
        ...(gatewayId !== "" && { gatewayId }),
        ...replyIn(payload),
      };
    },

    async refuse({ tenant }, jobId, error): Promise<EndedUnrun | undefined> {
      const answer = await run(refuseScript, jobId, tenant, stringifyJson(error), ...retention);
      if (answer === null) return undefined;
      const [attempt, gatewayId] = refusalSchema.parse(answer);
      return { jobId, attempt, error, ...(gatewayId !== "" && { gatewayId }) };
    },

    async bury(jobId, error, faults = 1): Promise<Burial> {
      const whole = await withLastError(jobId, error);
      const text = stringifyJson(whole);
      const answer = await run(buryScript, jobId, text, ...retention, aliveMs, faults);
      const [type, attempt, gatewayId, payload] = burialSchema.parse(answer);
      if (type !== "buried") return { type };
      return {
        type,
        attempt,
        error: whole,
        ...(gatewayId !== "" && { gatewayId }),
        ...replyIn(payload),
      };
    },

    async noteAnnounced(jobId, attempt) {
      await run(announcedScript, jobId, attempt);
    },

    async forget(reach, jobIds) {
      const tenant = tenantOf(reach);
      for (let first = 0; first < jobIds.length; first += FORGET_AT_ONCE) {
        await run(forgetScript, goneMs, tenant, ...jobIds.slice(first, first + FORGET_AT_ONCE));
      }
    },

    async forgetAllEnded(reach) {
      let removed: unknown;
      do {
        removed = await run(forgetOldestScript, goneMs, FORGET_AT_ONCE, tenantOf(reach));
      } while (removed === FORGET_AT_ONCE);
    },
  };
}

const cancellationSchema = z.tuple([
  z.union([jobStateSchema, z.literal("unknown")]),
  z.coerce.number(),
  z.string(),
  z.string(),
]);

const refusalSchema = z.tuple([z.coerce.number(), z.string()]);

const burialSchema = z.union([
  z.tuple([z.literal("buried"), z.coerce.number(), z.string(), z.string()]),
  z.tuple([z.enum(["ended", "unknown", "blameless"])]),
]);
