import type { JobStore, Reach } from "@rabbitloom/jobs";
import { isCodedError, isTerminal, jobIdSchema } from "@rabbitloom/protocol";
import type { FastifyInstance } from "fastify";
import { sendComfyJson, sendNothing } from "../http/comfy-reply.ts";
import { objectBody } from "../http/json-body.ts";
import { parseWith } from "../http/schema.ts";
import { operation } from "../openapi/operation.ts";
import { historyEntry } from "./history-entry.ts";
import {
  changeHistory,
  historyQuerySchema,
  readHistory,
  readHistoryEntry,
} from "./queue-operations.ts";
import { idsOf } from "./queue-routes.ts";

export interface HistoryRouteOptions {
  readonly store: JobStore;
  /** Removes what was kept beside the records of jobs that are gone. */
  readonly sweep: () => void;
}

/** `/history`: what has ended, oldest first. */
export function historyRoutes(app: FastifyInstance, { store, sweep }: HistoryRouteOptions): void {
  app.get("/history", operation(readHistory), async (request, reply) => {
    const { max_items: maxItems, offset } = parseWith(historyQuerySchema, request.query, "query");
    // ComfyUI stops after the first item that fills the window: below 1, nothing does or nothing may.
    if (maxItems !== undefined && maxItems < 1) return sendComfyJson(reply, {});
    const jobs = await store.history(request.principal.own, {
      ...(maxItems !== undefined && { maxItems }),
      ...(offset !== undefined && offset >= 0 && { offset }),
    });
    return sendComfyJson(reply, Object.fromEntries(jobs.map((job) => [job.id, historyEntry(job)])));
  });

  app.get<{ Params: { id: string } }>(
    "/history/:id",
    operation(readHistoryEntry),
    async (request, reply) => {
      const job = await findEnded(store, request.principal.own, request.params.id);
      return sendComfyJson(reply, job === undefined ? {} : { [job.id]: historyEntry(job) });
    },
  );

  app.post("/history", operation(changeHistory), async (request, reply) => {
    const body = objectBody(request.body);
    const ids = idsOf(body.delete);
    const { own } = request.principal;
    if (body.clear) await store.forgetAllEnded(own);
    if (ids.length > 0) await store.forget(own, ids);
    sweep();
    return sendNothing(reply);
  });
}

async function findEnded(store: JobStore, reach: Reach, id: string) {
  if (!jobIdSchema.safeParse(id).success) return undefined;
  try {
    const job = await store.find(reach, id);
    return job !== undefined && isTerminal(job.state) ? job : undefined;
  } catch (error) {
    // ComfyUI does not tell what it has forgotten from what it never knew.
    if (isCodedError(error) && error.code === "JOB_EXPIRED") return undefined;
    throw error;
  }
}
