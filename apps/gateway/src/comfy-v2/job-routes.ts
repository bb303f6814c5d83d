import type { JobRecord, JobStore, Reach } from "@rabbitloom/jobs";
import {
  isCodedError,
  type JobState,
  type JobView,
  jobIdSchema,
  parseCursor,
} from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import type { ReplyStreams } from "../amqp/ports.ts";
import { type Connections, cutWithKey } from "../auth/connections.ts";
import { sendEventStream } from "../http/event-stream-reply.ts";
import { objectBody } from "../http/json-body.ts";
import { parseWith } from "../http/schema.ts";
import { type CancelDependencies, cancelJob } from "../jobs/cancel-job.ts";
import { operation } from "../openapi/operation.ts";
import type { ReaderPlaces } from "../watch/reader-places.ts";
import type { StreamKeeper } from "../watch/stream-keeper.ts";
import type { AssetLookup } from "./asset-references.ts";
import { notFound } from "./errors.ts";
import { frameTranslator } from "./frame-translator.ts";
import { jobObject, type V2Place } from "./job-object.ts";
import {
  listJobsV2,
  postCancelV2,
  postJobV2,
  readEventsV2,
  readJobV2,
  readWorkflowV2,
} from "./operations.ts";
import { readSubmission } from "./read-submission.ts";
import { type V2Status, v2StatusSchema } from "./schemas.ts";
import { type SubmitOnceOptions, submitOnce } from "./submit-once.ts";
import { writeFrames } from "./write-frames.ts";

export interface V2JobOptions extends CancelDependencies, SubmitOnceOptions {
  readonly store: JobStore;
  readonly streams: Pick<ReplyStreams, "read">;
  readonly keeper: StreamKeeper;
  readonly places: ReaderPlaces;
  readonly connections: Connections;
  readonly placeOf: (request: FastifyRequest) => V2Place;
  readonly assets: (request: FastifyRequest) => AssetLookup;
}

const statesOf: Readonly<Record<V2Status, readonly JobState[]>> = {
  queued: ["pending"],
  running: ["running"],
  canceling: ["running"],
  succeeded: ["succeeded"],
  failed: ["failed", "dead"],
  canceled: ["cancelled"],
  expired: [],
};

const listSchema = z.object({
  status: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(v2StatusSchema))
    .optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});

type ById = { Params: { id: string } };

/** `/api/v2/jobs`: the same jobs as everywhere, in Comfy API v2's words. */
export function v2JobRoutes(app: FastifyInstance, options: V2JobOptions): void {
  const { store, streams, keeper, places, connections, placeOf, assets } = options;

  app.post("/jobs", operation(postJobV2), async (request, reply) => {
    const body = objectBody(request.body);
    const read = () => readSubmission(body, assets(request));
    const { jobId, isReplay } = await submitOnce(options, request, { body, read });
    const job = await knownJob(request.principal.sees, jobId);
    if (isReplay) reply.header("idempotent-replayed", "true");
    return reply.code(201).send(await jobObject(job, placeOf(request)));
  });

  app.get("/jobs", operation(listJobsV2), async (request) => {
    const { status, limit } = parseWith(listSchema, request.query, "query");
    const states = status?.flatMap((word) => statesOf[word]);
    const { jobs } = await store.list(request.principal.sees, {
      ...(states && { states }),
      limit,
    });
    const place = placeOf(request);
    const shown = await Promise.all(jobs.map((job) => jobObject(job, place)));
    return {
      jobs: status === undefined ? shown : shown.filter((job) => status.includes(job.status)),
    };
  });

  app.get<ById>("/jobs/:id", operation(readJobV2), async (request) =>
    jobObject(await knownJob(request.principal.sees, request.params.id), placeOf(request)),
  );

  app.get<ById>("/jobs/:id/workflow", operation(readWorkflowV2), async (request, reply) => {
    const { prompt } = await knownRecord(request.principal.sees, request.params.id);
    return reply
      .type("application/json; charset=utf-8")
      .send(stringifyJson({ workflow: prompt, format: "api" }));
  });

  app.post<ById>("/jobs/:id/cancel", operation(postCancelV2), async (request) => {
    const { touches } = request.principal;
    const { id } = await knownJob(touches, request.params.id);
    await cancelJob(options, touches, id);
    return jobObject(await knownJob(touches, id), placeOf(request));
  });

  app.get<ById>("/jobs/:id/events", operation(readEventsV2), async (request, reply) => {
    const { sees } = request.principal;
    const job = await knownRecord(sees, request.params.id);
    const cursor = request.headers["last-event-id"];
    const after = typeof cursor === "string" && cursor !== "" ? parseCursor(cursor) : undefined;
    places.take(request, reply, job.id);
    cutWithKey(connections, request, reply);
    const source = {
      translator: frameTranslator(job),
      job,
      after,
      place: placeOf(request),
      view: () => store.view(sees, job.id),
      events: (signal: AbortSignal) => following(job, signal),
    };
    return sendEventStream(reply, (sink) => writeFrames(source, sink));
  });

  async function* following(job: JobRecord, signal: AbortSignal) {
    await keeper.ensure(job);
    yield* streams.read(job.id, signal);
  }
  function knownJob(reach: Reach, id: string): Promise<JobView> {
    return known(id, () => store.view(reach, id));
  }
  function knownRecord(reach: Reach, id: string): Promise<JobRecord> {
    return known(id, () => store.find(reach, id));
  }
}

async function known<Job>(id: string, read: () => Promise<Job | undefined>): Promise<Job> {
  try {
    const job = jobIdSchema.safeParse(id).success ? await read() : undefined;
    if (job !== undefined) return job;
  } catch (error) {
    if (!isCodedError(error) || error.code !== "JOB_EXPIRED") throw error;
  }
  throw notFound("job", id);
}
