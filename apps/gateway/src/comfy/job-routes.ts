import type { JobRecord, JobStore, Reach } from "@rabbitloom/jobs";
import { isCodedError, isTerminal, type JobState, jobIdSchema } from "@rabbitloom/protocol";
import type { FastifyInstance, FastifyReply } from "fastify";
import * as z from "zod";
import { sendComfyJson } from "../http/comfy-reply.ts";
import { parseWith } from "../http/schema.ts";
import { operation } from "../openapi/operation.ts";
import { type JobItem, jobDetail, jobItem, statesOf } from "./job-item.ts";
import { listJobsOperation, listQuerySchema, readJobOperation } from "./job-operations.ts";

export interface ComfyJobRouteOptions {
  readonly store: JobStore;
}

type ListQuery = z.infer<typeof listQuerySchema>;

const parametersSchema = z.object({ id: z.string() });

/**
 * `/api/jobs`, of newer versions of ComfyUI: what waits, runs and has ended, in one list. Errors are `{error: text}`
 * here, as they are there.
 */
export function comfyJobRoutes(app: FastifyInstance, { store }: ComfyJobRouteOptions): void {
  app.get("/jobs", operation(listJobsOperation), async (request, reply) => {
    let query: ListQuery;
    try {
      query = parseWith(listQuerySchema, request.query, "query");
    } catch (error) {
      return refused(reply, 400, error instanceof Error ? error.message : String(error));
    }
    const { offset, limit } = query;
    const { jobs, total } = await listJobs(store, request.principal.own, query);
    return sendComfyJson(reply, {
      jobs,
      pagination: {
        offset,
        limit: limit ?? null,
        total,
        has_more: offset + jobs.length < total,
      },
    });
  });

  app.get("/jobs/:id", operation(readJobOperation), async (request, reply) => {
    const { id } = parseWith(parametersSchema, request.params, "path");
    const job = jobIdSchema.safeParse(id).success
      ? await findKept(store, request.principal.own, id)
      : undefined;
    return job === undefined
      ? refused(reply, 404, "Job not found")
      : sendComfyJson(reply, jobDetail(job));
  });
}

function refused(reply: FastifyReply, status: number, error: string): FastifyReply {
  return sendComfyJson(reply.code(status), { error });
}

interface JobPage {
  readonly jobs: readonly JobItem[];
  readonly total: number;
}

/**
 * What has ended may be 10 000 records, which editors ask for at every change of the queue: where a page is asked
 * for by creation, only its records are read. Ended jobs stand in the order of their ends then.
 */
async function listJobs(store: JobStore, reach: Reach, query: ListQuery): Promise<JobPage> {
  const { workflow_id, sort_by, limit } = query;
  const isWhole = workflow_id !== undefined || sort_by !== "created_at" || limit === undefined;
  return isWhole ? listAll(store, reach, query) : listPage(store, reach, { ...query, limit });
}

async function listAll(store: JobStore, reach: Reach, query: ListQuery): Promise<JobPage> {
  const { workflow_id, sort_by, sort_order, status, limit, offset } = query;
  const [{ running, pending }, ended] = await Promise.all([
    store.queue(reach),
    store.history(reach),
  ]);
  // A job that ended between the two looks is in both.
  const byId = new Map([...running, ...pending, ...ended].map((job) => [job.id, jobItem(job)]));
  const direction = sort_order === "asc" ? 1 : -1;
  const key = sort_by === "created_at" ? (item: JobItem) => item.create_time : duration;
  const jobs = [...byId.values()]
    .filter((item) => status.includes(item.status))
    .filter((item) => workflow_id === undefined || item.workflow_id === workflow_id)
    .sort((a, b) => direction * (key(a) - key(b)));
  return { jobs: jobs.slice(offset, limit && offset + limit), total: jobs.length };
}

function duration({ execution_start_time, execution_end_time }: JobItem): number {
  if (execution_start_time === undefined || execution_end_time === undefined) return 0;
  return execution_end_time - execution_start_time;
}

async function listPage(
  store: JobStore,
  reach: Reach,
  { status, sort_order, limit, offset }: ListQuery & { readonly limit: number },
): Promise<JobPage> {
  const states = status.flatMap((word) => [...statesOf[word]]);
  const open: readonly JobState[] = states.filter((state) => !isTerminal(state));
  const ended = states.filter((state) => isTerminal(state));
  const { running, pending } =
    open.length === 0 ? { running: [], pending: [] } : await store.queue(reach);
  const waiting = [...running, ...pending]
    .filter(({ state }) => open.includes(state))
    .sort((a, b) => (a.submittedAt < b.submittedAt ? 1 : -1));
  const endedCount =
    ended.length === 0 ? 0 : (await store.list(reach, { states: ended, limit: 0 })).total;
  const total = waiting.length + endedCount;

  // From here on newest first; the oldest page of the other order is the last one of this.
  const from = sort_order === "desc" ? offset : Math.max(0, total - offset - limit);
  const to = Math.min(total, sort_order === "desc" ? offset + limit : total - offset);
  const page: JobRecord[] = waiting.slice(from, Math.max(from, to));
  const missing = Math.max(0, to - from) - page.length;
  if (missing > 0 && ended.length > 0) {
    const skipped = Math.max(0, from - waiting.length);
    const { jobs } = await store.list(reach, { states: ended, limit: missing, offset: skipped });
    const records = await Promise.all(jobs.map(({ id }) => findKept(store, reach, id)));
    page.push(...records.filter((job) => job !== undefined));
  }
  const items = page.map(jobItem);
  return { jobs: sort_order === "desc" ? items : items.reverse(), total };
}

async function findKept(store: JobStore, reach: Reach, id: string): Promise<JobRecord | undefined> {
  try {
    return await store.find(reach, id);
  } catch (error) {
    if (isCodedError(error) && error.code === "JOB_EXPIRED") return undefined;
    throw error;
  }
}
