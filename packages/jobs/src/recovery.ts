import { jobErrorSchema, terminalStates } from "@rabbitloom/protocol";
import { parseJson, stringifyJson } from "@rabbitloom/workflow";
import * as z from "zod";
import { deadlinePassed } from "./attempts.ts";
import type { JobStore } from "./job-store.ts";
import { replyIn } from "./record.ts";
import {
  attemptsScript,
  expireScript,
  isAliveScript,
  leaseScript,
  requeueScript,
  sinceScript,
  takeBackScript,
  unsaidEndScript,
  unsaidScript,
  waitingScript,
} from "./scripts/recovery.ts";
import type { StoreContext } from "./store-context.ts";

/** About so many in one script, so that no other call waits long. */
const WAITING_AT_ONCE = 1_000;

/** What finds the jobs that nobody looks after any more. */
export function recovery({
  run,
  retention,
  aliveMs,
}: StoreContext): Pick<
  JobStore,
  | "expire"
  | "unsaid"
  | "unsaidEnd"
  | "attempts"
  | "takeBack"
  | "isAttemptAlive"
  | "waiting"
  | "requeue"
  | "lease"
  | "remembersSince"
> {
  return {
    async expire() {
      const answer = await run(expireScript, stringifyJson(deadlinePassed), ...retention);
      return rows(answer, 4).map(([jobId = "", attempt, gatewayId = "", payload = ""]) => ({
        jobId,
        attempt: Number(attempt),
        error: deadlinePassed,
        ...(gatewayId !== "" && { gatewayId }),
        ...replyIn(payload),
      }));
    },
    async unsaid() {
      return rows(await run(unsaidScript), 2).map(([jobId = "", endedAt = ""]) => ({
        jobId,
        endedAt,
      }));
    },
    async unsaidEnd(jobId) {
      const answer = await run(unsaidEndScript, jobId);
      if (answer === null) return undefined;
      const [state, attempt, gatewayId, error, payload] = unsaidEndSchema.parse(answer);
      return {
        jobId,
        attempt,
        state,
        error: jobErrorSchema.parse(parseJson(error)),
        ...(gatewayId !== "" && { gatewayId }),
        ...replyIn(payload),
      };
    },
    async attempts() {
      return rows(await run(attemptsScript), 3).map(([jobId = "", attempt, aliveAt = ""]) => ({
        jobId,
        attempt: Number(attempt),
        aliveAt,
      }));
    },
    async takeBack({ jobId, attempt, aliveAt }) {
      const faults = z.number().parse(await run(takeBackScript, jobId, attempt, aliveAt));
      return faults < 0 ? undefined : { faults };
    },
    async isAttemptAlive(jobId) {
      return (await run(isAliveScript, jobId, aliveMs)) === 1;
    },
    async waiting({ from = "0", hasOwnQueues = false } = {}) {
      const [next = "0", ...parts] = partsSchema.parse(
        await run(waitingScript, from, WAITING_AT_ONCE, hasOwnQueues ? "1" : "0"),
      );
      const jobs = rows(parts, 7).map(
        ([jobId = "", number, attempt, lane = "", pool = "", tenant = "", isPassed]) => ({
          jobId,
          number: Number(number),
          attempt: Number(attempt),
          lane,
          pool,
          tenant,
          isPassed: isPassed === "1",
        }),
      );
      return { jobs, ...(next !== "0" && { next }) };
    },
    async requeue(jobId) {
      await run(requeueScript, jobId);
    },
    async lease(name, holder, ttlMs) {
      return (await run(leaseScript, name, holder, ttlMs)) === 1;
    },
    async remembersSince() {
      return new Date(Number(await run(sinceScript))).toISOString();
    },
  };
}

const unsaidEndSchema = z.tuple([
  z.enum(terminalStates),
  z.coerce.number(),
  z.string(),
  z.string(),
  z.string(),
]);

const partsSchema = z.array(z.union([z.string(), z.number()]).transform(String));

/** Scripts answer records as one flat list of `width` values each. */
function rows(answer: unknown, width: number): string[][] {
  const parts = partsSchema.parse(answer);
  return Array.from({ length: Math.floor(parts.length / width) }, (_, index) =>
    parts.slice(index * width, (index + 1) * width),
  );
}
