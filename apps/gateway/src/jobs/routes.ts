import { PassThrough } from "node:stream";
import type { JobStore } from "@rabbitloom/jobs";
import {
  CodedError,
  isTerminal,
  type JobView,
  jobIdSchema,
  jobStateSchema,
  jobStates,
  parseCursor,
} from "@rabbitloom/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import * as z from "zod";
import type { ReplyStreams } from "../amqp/ports.ts";
import { baseUrl } from "../http/base-url.ts";
import { parseWith } from "../http/schema.ts";
import { eventStream } from "../watch/event-stream.ts";
import type { StreamKeeper } from "../watch/stream-keeper.ts";
import type { TicketOffice } from "../watch/ticket.ts";
import { type CancelDependencies, cancelJob } from "./cancel-job.ts";

export interface JobRouteOptions extends CancelDependencies {
  readonly store: JobStore;
  readonly streams: Pick<ReplyStreams, "read">;
  readonly keeper: StreamKeeper;
  readonly tickets: TicketOffice;
  readonly publicUrl: string | undefined;
}

const listQuerySchema = z.object({
  state: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(jobStateSchema))
    .optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  offset: z.coerce.number().int().min(0).default(0),
});

const eventsQuerySchema = z.object({
  after: z.string().optional(),
  previews: z.stringbool().default(true),
});

/** `/api/v1/jobs`: what the fleet knows of every job, from any gateway. */
export function jobRoutes(app: FastifyInstance, options: JobRouteOptions): void {
  const { store, streams, keeper, tickets, publicUrl } = options;

  app.get("/api/v1/jobs", async (request) => {
    const { state, limit, offset } = parseWith(listQuerySchema, request.query, "query");
    const { jobs, total } = await store.list({ states: state ?? jobStates, limit, offset });
    return { jobs, pagination: { offset, limit, total, hasMore: offset + jobs.length < total } };
  });

  app.get<{ Params: { id: string } }>("/api/v1/jobs/:id", (request) =>
    knownJob(store, request.params.id),
  );

  app.post<{ Params: { id: string } }>("/api/v1/jobs/:id/cancel", async (request, reply) => {
    const { id } = await knownJob(store, request.params.id);
    const { found } = await cancelJob(options, id);
    if (found !== "pending" && found !== "running" && found !== "cancelled") {
      throw new CodedError("CONFLICT", `job ${id} has ended as ${found}: it cannot be cancelled`);
    }
    const job = await knownJob(store, id);
    // A running job ends when its worker has stopped it.
    return reply.code(isTerminal(job.state) ? 200 : 202).send(job);
  });

  app.post<{ Params: { id: string } }>("/api/v1/jobs/:id/watch", async (request) => {
    const job = await knownJob(store, request.params.id);
    await keeper.ensure(job);
    const url = `${baseUrl(request, publicUrl).replace(/^http/, "ws")}/stomp`;
    return tickets.issue(job, url);
  });

  app.get<{ Params: { id: string } }>("/api/v1/jobs/:id/events", async (request, reply) => {
    const { after, previews } = parseWith(eventsQuerySchema, request.query, "query");
    const cursor = after ?? lastEventId(request);
    const start = cursor === undefined ? undefined : parseCursor(cursor);
    const job = await knownJob(store, request.params.id);
    await keeper.ensure(job);
    const stopped = new AbortController();
    reply.raw.once("close", () => stopped.abort());
    const source = streams.read(job.id, stopped.signal);
    return sendEvents(
      reply,
      eventStream({ source, after: start, withPreviews: previews }),
      request,
    );
  });
}

async function knownJob(store: JobStore, id: string): Promise<JobView> {
  const isId = jobIdSchema.safeParse(id).success;
  const job = isId ? await store.view(id) : undefined;
  if (job === undefined) throw new CodedError("NOT_FOUND", `there is no job ${JSON.stringify(id)}`);
  return job;
}

function lastEventId({ headers }: FastifyRequest): string | undefined {
  const id = headers["last-event-id"];
  return typeof id === "string" && id !== "" ? id : undefined;
}

/** Proxies and browsers give up a silent connection after a minute or so. */
const HEARTBEAT_MS = 15_000;

function sendEvents(
  reply: FastifyReply,
  events: AsyncGenerator<string>,
  request: FastifyRequest,
): FastifyReply {
  const body = new PassThrough();
  const heartbeat = setInterval(() => body.write(": still here\n\n"), HEARTBEAT_MS);
  const write = async () => {
    // Something at once, so that clients see the headers before the first event comes.
    body.write(": events follow\n\n");
    for await (const text of events) {
      if (!body.write(text)) await drained(body);
      if (body.destroyed) return;
    }
  };
  write()
    .catch((error: unknown) => {
      if (!body.destroyed) request.log.warn({ err: error }, "event stream ended early");
    })
    .finally(() => {
      clearInterval(heartbeat);
      body.end();
    });
  return reply
    .header("content-type", "text/event-stream; charset=utf-8")
    .header("cache-control", "no-cache")
    .header("x-accel-buffering", "no")
    .send(body);
}

function drained(body: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      body.off("drain", done);
      body.off("close", done);
      resolve();
    };
    body.on("drain", done);
    body.on("close", done);
  });
}
