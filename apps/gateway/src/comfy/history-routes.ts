import type { JobStore } from "@rabbitloom/jobs";
import { isCodedError, isTerminal, jobIdSchema } from "@rabbitloom/protocol";
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { sendComfyJson, sendNothing } from "../http/comfy-reply.ts";
import { objectBody } from "../http/json-body.ts";
import { parseWith } from "../http/schema.ts";
import { historyEntry } from "./history-entry.ts";
import { idsOf } from "./queue-routes.ts";

const windowSchema = z.object({
  max_items: z.coerce.number().int().optional(),
  offset: z.coerce.number().int().optional(),
});

export interface HistoryRouteOptions {
  readonly store: JobStore;
}

/** `/history`: what has ended, oldest first. */
export function historyRoutes(app: FastifyInstance, { store }: HistoryRouteOptions): void {
  app.get("/history", async (request, reply) => {
    const { max_items: maxItems, offset } = parseWith(windowSchema, request.query, "query");
    // ComfyUI stops after the first item that fills the window: below 1, nothing does or nothing may.
    if (maxItems !== undefined && maxItems < 1) return sendComfyJson(reply, {});
    const jobs = await store.history({
      ...(maxItems !== undefined && { maxItems }),
      ...(offset !== undefined && offset >= 0 && { offset }),
    });
    return sendComfyJson(reply, Object.fromEntries(jobs.map((job) => [job.id, historyEntry(job)])));
  });

  app.get<{ Params: { id: string } }>("/history/:id", async (request, reply) => {
    const job = await findEnded(store, request.params.id);
    return sendComfyJson(reply, job === undefined ? {} : { [job.id]: historyEntry(job) });
  });

  app.post("/history", async (request, reply) => {
    const body = objectBody(request.body);
    if (body.clear) await store.forgetAllEnded();
    const ids = idsOf(body.delete).filter((id) => jobIdSchema.safeParse(id).success);
    if (ids.length > 0) await store.forget(ids);
    return sendNothing(reply);
  });
}

async function findEnded(store: JobStore, id: string) {
  if (!jobIdSchema.safeParse(id).success) return undefined;
  try {
    const job = await store.find(id);
    return job !== undefined && isTerminal(job.state) ? job : undefined;
  } catch (error) {
    // ComfyUI does not tell what it has forgotten from what it never knew.
    if (isCodedError(error) && error.code === "JOB_EXPIRED") return undefined;
    throw error;
  }
}
