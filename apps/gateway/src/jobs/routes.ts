import type { JobStore, Reach } from "@rabbitloom/jobs";
import {
  CodedError,
  isTerminal,
  type JobView,
  jobIdSchema,
  jobStates,
  parseCursor,
} from "@rabbitloom/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ReplyStreams } from "../amqp/ports.ts";
import { type Connections, cutWithKey } from "../auth/connections.ts";
import { baseUrl } from "../http/base-url.ts";
import { sendEventStream } from "../http/event-stream-reply.ts";
import { parseWith } from "../http/schema.ts";
import { operation } from "../openapi/operation.ts";
import { eventStream } from "../watch/event-stream.ts";
import type { ReaderPlaces } from "../watch/reader-places.ts";
import type { StreamKeeper } from "../watch/stream-keeper.ts";
import type { TicketOffice } from "../watch/ticket.ts";
import { type CancelDependencies, cancelJob } from "./cancel-job.ts";
import {
  eventsQuerySchema,
  listJobs,
  listQuerySchema,
  postCancel,
  postWatch,
  readEvents,
  readJob,
  readWebhookLog,
} from "./operations.ts";

export interface JobRouteOptions extends CancelDependencies {
  readonly store: JobStore;
  readonly streams: Pick<ReplyStreams, "read">;
  readonly keeper: StreamKeeper;
  readonly places: ReaderPlaces;
  readonly tickets: TicketOffice;
  readonly connections: Connections;
  readonly publicUrl: string | undefined;
}

/** `/api/v1/jobs`: what the fleet knows of every job, from any gateway. */
export function jobRoutes(app: FastifyInstance, options: JobRouteOptions): void {
  const { store, streams, keeper, places, tickets, connections, publicUrl } = options;

  app.get("/api/v1/jobs", operation(listJobs), async (request) => {
    const { state, tag, limit, offset } = parseWith(listQuerySchema, request.query, "query");
    const { jobs, total } = await store.list(request.principal.sees, {
      states: state ?? jobStates,
      tags: tag,
      limit,
      offset,
    });
    return { jobs, pagination: { offset, limit, total, hasMore: offset + jobs.length < total } };
  });

  app.get<{ Params: { id: string } }>("/api/v1/jobs/:id", operation(readJob), (request) =>
    knownJob(store, request.principal.sees, request.params.id),
  );

  app.post<{ Params: { id: string } }>(
    "/api/v1/jobs/:id/cancel",
    operation(postCancel),
    async (request, reply) => {
      const { touches } = request.principal;
      const { id } = await knownJob(store, touches, request.params.id);
      const { found } = await cancelJob(options, touches, id);
      if (found !== "pending" && found !== "running" && found !== "cancelled") {
        throw new CodedError("CONFLICT", `job ${id} has ended as ${found}: it cannot be cancelled`);
      }
      const job = await knownJob(store, touches, id);
      // A running job ends when its worker has stopped it.
      return reply.code(isTerminal(job.state) ? 200 : 202).send(job);
    },
  );

  app.get<{ Params: { id: string } }>(
    "/api/v1/jobs/:id/webhook",
    operation(readWebhookLog),
    async (request) => {
      const { id } = await knownJob(store, request.principal.sees, request.params.id);
      return store.webhookLog(id);
    },
  );

  app.post<{ Params: { id: string } }>(
    "/api/v1/jobs/:id/watch",
    operation(postWatch, "read"),
    async (request) => {
      const job = await knownJob(store, request.principal.sees, request.params.id);
      await keeper.ensure(job);
      const url = `${baseUrl(request, publicUrl).replace(/^http/, "ws")}/stomp`;
      return tickets.issue(job, url, request.principal);
    },
  );

  app.get<{ Params: { id: string } }>(
    "/api/v1/jobs/:id/events",
    operation(readEvents),
    async (request, reply) => {
      const { after, previews } = parseWith(eventsQuerySchema, request.query, "query");
      const cursor = after ?? lastEventId(request);
      const start = cursor === undefined ? undefined : parseCursor(cursor);
      const job = await knownJob(store, request.principal.sees, request.params.id);
      places.take(request, reply, job.id);
      await keeper.ensure(job);
      cutWithKey(connections, request, reply);
      return sendEventStream(reply, async ({ write, signal }) => {
        const source = streams.read(job.id, signal);
        for await (const text of eventStream({ source, after: start, withPreviews: previews })) {
          await write(text);
        }
      });
    },
  );
}

async function knownJob(store: JobStore, reach: Reach, id: string): Promise<JobView> {
  const isId = jobIdSchema.safeParse(id).success;
  const job = isId ? await store.view(reach, id) : undefined;
  if (job === undefined) {
    // The broker may hold older jobs than an emptied Redis remembers: the client can tell by its own clock.
    const rememberedSince = await store.remembersSince();
    throw new CodedError("NOT_FOUND", `there is no job ${JSON.stringify(id)}`, {
      details: { rememberedSince },
    });
  }
  return job;
}

function lastEventId({ headers }: FastifyRequest): string | undefined {
  const id = headers["last-event-id"];
  return typeof id === "string" && id !== "" ? id : undefined;
}
