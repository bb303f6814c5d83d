/** The gateway's routes that the client uses, over a log in memory and a STOMP server of its own. */
import {
  encodeEvents,
  encodePreview,
  isTerminal,
  type JobEvent,
  type JobState,
  type JobView,
  type WatchTicket,
} from "@rabbitloom/protocol";
import { startStompServer } from "./stomp-server.ts";

const AT = "2026-01-02T03:04:05.000Z";
type Handler = (request: Request) => Response | Promise<Response>;

export async function startFakeGateway(jobId = "job-1") {
  const stomp = await startStompServer();
  const log: JobEvent[] = [];
  const requests: Request[] = [];
  const overrides = new Map<string, Handler[]>();
  let state: JobState = "pending";
  let attempt = 0;
  let tickets = 0;

  const view = (): JobView => {
    const end = log.findLast((event) => event.type === "job-end");
    return {
      id: jobId,
      tenant: "default",
      state,
      attempt,
      lane: "normal",
      pool: "default",
      submittedAt: AT,
      lastSeq: log.at(-1)?.seq ?? 0,
      ...(isTerminal(state) && { endedAt: AT }),
      ...(end?.type === "job-end" && { outputs: end.outputs }),
    };
  };

  const routes: Readonly<Record<string, Handler>> = {
    "POST /api/v1/prompts": () => json(202, { prompt_id: jobId }),
    [`GET /api/v1/jobs/${jobId}`]: () => json(200, view()),
    [`POST /api/v1/jobs/${jobId}/cancel`]: () => json(200, view()),
    [`POST /api/v1/jobs/${jobId}/watch`]: () => {
      tickets += 1;
      return json(200, {
        url: stomp.url,
        host: "/",
        login: `job.${jobId}`,
        passcode: `ticket-${tickets}`,
        destination: `/amq/queue/loom.reply.${jobId}`,
        headers: { ack: "client-individual", "prefetch-count": "10", "x-stream-offset": "first" },
        expiresAt: AT,
        lastSeq: log.at(-1)?.seq ?? 0,
      } satisfies WatchTicket);
    },
    [`GET /api/v1/jobs/${jobId}/events`]: (request) => {
      const last = Number(request.headers.get("last-event-id") ?? 0);
      const text = log
        .filter((event) => event.seq > last)
        .map((event) => `id: ${event.seq}\ndata: ${sseData(event)}\n\n`);
      return new Response(text.join(""), { headers: { "content-type": "text/event-stream" } });
    },
  };

  return {
    stomp,
    jobId,
    requests,
    view,
    setState(next: JobState, nextAttempt = attempt) {
      state = next;
      attempt = nextAttempt;
    },
    /** The next answers of a route, before its own again. */
    answer(route: string, ...handlers: Handler[]) {
      overrides.set(route, [...(overrides.get(route) ?? []), ...handlers]);
    },
    countOf: (route: string) => requests.filter((request) => routeOf(request) === route).length,
    /** Adds to the log and to the stream; JSON events in one message each, or all in one. */
    publish(...events: JobEvent[]) {
      for (const event of events) {
        log.push(event);
        if (event.type === "job-end") state = event.state;
        stomp.publish(event.type === "node-preview" ? encodePreview(event) : encodeEvents([event]));
      }
    },
    async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
      init?.signal?.throwIfAborted();
      const request = new Request(input, init);
      requests.push(request);
      const route = routeOf(request);
      const handler = overrides.get(route)?.shift() ?? routes[route];
      return handler ? handler(request) : json(404, { code: "NOT_FOUND", detail: route });
    },
    [Symbol.asyncDispose]: () => stomp[Symbol.asyncDispose](),
  };
}
export type FakeGateway = Awaited<ReturnType<typeof startFakeGateway>>;

export function json(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

function routeOf(request: Request): string {
  return `${request.method} ${new URL(request.url).pathname}`;
}

function sseData(event: JobEvent): string {
  if (event.type !== "node-preview") return JSON.stringify(event);
  return JSON.stringify({ ...event, image: Buffer.from(event.image).toString("base64") });
}
