import type { JobStore, Reach } from "@rabbitloom/jobs";
import { CodedError, type JobState, jobIdSchema } from "@rabbitloom/protocol";
import type { FastifyInstance } from "fastify";
import { sendComfyJson, sendNothing } from "../http/comfy-reply.ts";
import { isObject, jsonBody, objectBody, textBody } from "../http/json-body.ts";
import { type CancelDependencies, cancelJob } from "../jobs/cancel-job.ts";
import { operation } from "../openapi/operation.ts";
import { queueItem } from "./queue-item.ts";
import { changeQueue, interrupt, readQueue } from "./queue-operations.ts";

export interface QueueRouteOptions extends CancelDependencies {
  readonly store: JobStore;
}

/** `/queue` and `/interrupt`: what waits and runs, and how to end it. */
export function queueRoutes(app: FastifyInstance, options: QueueRouteOptions): void {
  const { store } = options;

  /** Compare and cancel: a job that has moved on since the client looked is left alone. */
  async function cancelWhile(reach: Reach, state: JobState, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const job = await findJob(store, reach, id);
      if (job?.state === state) await cancelJob(options, reach, id);
    }
  }

  app.get("/queue", operation(readQueue), async (request, reply) => {
    const { running, pending } = await store.queue(request.principal.own);
    return sendComfyJson(reply, {
      queue_running: running.map(queueItem),
      queue_pending: pending.map(queueItem),
    });
  });

  app.post("/queue", operation(changeQueue), async (request, reply) => {
    const body = objectBody(request.body);
    const ids = idsOf(body.delete);
    const { own } = request.principal;
    if (body.clear) {
      const { pending } = await store.queue(own);
      await cancelWhile(
        own,
        "pending",
        pending.map(({ id }) => id),
      );
    }
    await cancelWhile(own, "pending", ids);
    return sendNothing(reply);
  });

  app.post<{ Querystring: { clientId?: string } }>(
    "/interrupt",
    operation(interrupt),
    async (request, reply) => {
      const id = promptIdOf(request.body);
      const { own } = request.principal;
      if (id !== undefined) {
        await cancelWhile(own, "running", [id]);
        return sendNothing(reply);
      }
      const { running } = await store.queue(own);
      const { clientId } = request.query;
      const meant =
        clientId === undefined ? running : running.filter((job) => job.clientId === clientId);
      await cancelWhile(
        own,
        "running",
        meant.map((job) => job.id),
      );
      return sendNothing(reply);
    },
  );
}

async function findJob(store: JobStore, reach: Reach, id: string) {
  try {
    return await store.view(reach, id);
  } catch {
    // Expired: it ended long ago.
    return undefined;
  }
}

/** Each costs a few trips to the store. */
const MOST_IDS = 1_000;

/** ComfyUI takes anything that can be gone through; what is no job's id names no job of ours. */
export function idsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  if (value.length > MOST_IDS) {
    throw new CodedError(
      "INVALID_REQUEST",
      `delete: expected at most ${MOST_IDS} ids, got ${value.length}`,
    );
  }
  return value.map(String).filter((id) => jobIdSchema.safeParse(id).success);
}

/** A body that is empty or no JSON interrupts whatever runs, as in ComfyUI. */
function promptIdOf(body: unknown): string | undefined {
  if (textBody(body).trim() === "") return undefined;
  try {
    const parsed = jsonBody(body);
    const id = isObject(parsed) ? parsed.prompt_id : undefined;
    return id === undefined || id === null || id === "" ? undefined : String(id);
  } catch {
    return undefined;
  }
}
