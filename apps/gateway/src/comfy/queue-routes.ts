import type { JobStore } from "@rabbitloom/jobs";
import type { JobState } from "@rabbitloom/protocol";
import type { FastifyInstance } from "fastify";
import { sendComfyJson, sendNothing } from "../http/comfy-reply.ts";
import { isObject, jsonBody, objectBody, textBody } from "../http/json-body.ts";
import { type CancelDependencies, cancelJob } from "../jobs/cancel-job.ts";
import { queueItem } from "./queue-item.ts";

export interface QueueRouteOptions extends CancelDependencies {
  readonly store: JobStore;
}

/** `/queue` and `/interrupt`: what waits and runs, and how to end it. */
export function queueRoutes(app: FastifyInstance, options: QueueRouteOptions): void {
  const { store } = options;

  /** Compare and cancel: a job that has moved on since the client looked is left alone. */
  async function cancelWhile(state: JobState, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const job = await findJob(store, id);
      if (job?.state === state) await cancelJob(options, id);
    }
  }

  app.get("/queue", async (_request, reply) => {
    const { running, pending } = await store.queue();
    return sendComfyJson(reply, {
      queue_running: running.map(queueItem),
      queue_pending: pending.map(queueItem),
    });
  });

  app.post("/queue", async (request, reply) => {
    const body = objectBody(request.body);
    if (body.clear) {
      const { pending } = await store.queue();
      await cancelWhile(
        "pending",
        pending.map(({ id }) => id),
      );
    }
    await cancelWhile("pending", idsOf(body.delete));
    return sendNothing(reply);
  });

  app.post<{ Querystring: { clientId?: string } }>("/interrupt", async (request, reply) => {
    const id = promptIdOf(request.body);
    if (id !== undefined) {
      await cancelWhile("running", [id]);
      return sendNothing(reply);
    }
    const { running } = await store.queue();
    const { clientId } = request.query;
    const meant =
      clientId === undefined ? running : running.filter((job) => job.clientId === clientId);
    await cancelWhile(
      "running",
      meant.map((job) => job.id),
    );
    return sendNothing(reply);
  });
}

async function findJob(store: JobStore, id: string) {
  try {
    return await store.view(id);
  } catch {
    // Expired: it ended long ago.
    return undefined;
  }
}

/** ComfyUI takes anything that can be gone through; a text names no job of ours. */
export function idsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((id) =>
    typeof id === "string" || typeof id === "number" ? [String(id)] : [],
  );
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
