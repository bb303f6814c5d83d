import { type JobView, jobStates } from "@rabbitloom/protocol";
import * as z from "zod";
import { jobExpired } from "./job-error.ts";
import type { JobStore, Reach } from "./job-store.ts";
import {
  type Row,
  recordFields,
  recordOf,
  rowSchema,
  rowsSchema,
  viewFields,
  viewOf,
} from "./record.ts";
import {
  findScript,
  historyScript,
  listScript,
  queueScript,
  queueSizeScript,
} from "./scripts/reading.ts";
import type { StoreContext } from "./store-context.ts";
import type { JobRecord } from "./store-types.ts";

const VIEW = [viewFields.length, ...viewFields] as const;
const RECORD = [recordFields.length, ...recordFields] as const;

/** Everything that only looks. */
export function reads(
  context: StoreContext,
): Pick<JobStore, "find" | "view" | "list" | "queue" | "queueSize" | "history"> {
  const { run } = context;
  return {
    find: (reach, jobId) => readRecord(context, reach, jobId),

    async view(reach, jobId): Promise<JobView | undefined> {
      const row = found(jobId, await run(findScript, ...VIEW, tenantOf(reach), jobId));
      return row && viewOf(row);
    },

    async list(reach, { states = jobStates, tags = [], limit = 100, offset = 0 } = {}) {
      const page = [offset, limit, tags.length, ...tags];
      const answer = await run(listScript, ...VIEW, tenantOf(reach), ...page, ...states);
      const [total, rows] = z.tuple([z.number(), rowsSchema]).parse(answer);
      return { jobs: rows.map(viewOf), total };
    },

    async queue(reach) {
      const answer = await run(queueScript, ...RECORD, tenantOf(reach));
      const [running, pending] = z.tuple([rowsSchema, rowsSchema]).parse(answer);
      return { running: running.map(recordOf), pending: pending.map(recordOf) };
    },

    async queueSize() {
      return z.number().parse(await run(queueSizeScript));
    },

    async history(reach, { maxItems, offset } = {}) {
      const window = [offset ?? "", maxItems ?? ""];
      const answer = await run(historyScript, ...RECORD, tenantOf(reach), ...window);
      return rowsSchema.parse(answer).map(recordOf);
    },
  };
}

export async function readRecord(
  { run }: StoreContext,
  reach: Reach,
  jobId: string,
): Promise<JobRecord | undefined> {
  const row = found(jobId, await run(findScript, ...RECORD, tenantOf(reach), jobId));
  return row && recordOf(row);
}

/** As scripts take it: empty for every tenant. */
export function tenantOf(reach: Reach): string {
  return reach === "every-tenant" ? "" : reach.tenant;
}

function found(jobId: string, answer: unknown): Row | undefined {
  if (answer === "unknown") return undefined;
  if (answer === "expired") {
    throw jobExpired(jobId);
  }
  return rowSchema.parse(answer);
}
