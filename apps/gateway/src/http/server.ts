import cors from "@fastify/cors";
import multipart from "@fastify/multipart";
import websocket from "@fastify/websocket";
import { CodedError } from "@rabbitloom/protocol";
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import { sendNothing } from "./comfy-reply.ts";
import { isForeignOrigin } from "./origin-guard.ts";
import { sendProblem } from "./problem.ts";
import { routeTable } from "./route-table.ts";
import { toCodedError } from "./to-coded-error.ts";

export interface ServerOptions {
  readonly logger: FastifyBaseLogger;
  readonly corsOrigins: readonly string[] | undefined;
  readonly maxPromptBytes: number;
  readonly maxUploadBytes: number;
}

/** Larger frames than clients of `/ws` and `/stomp` have reason to send. */
const MAX_CLIENT_FRAME_BYTES = 1_048_576;

/**
 * Fastify with what all routes share. Bodies come as text whatever their type says: ComfyUI's clients send JSON
 * as text/plain, as a form, or with no type at all.
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { logger, corsOrigins, maxPromptBytes, maxUploadBytes } = options;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: maxPromptBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 2_000 },
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, toCodedError(error)),
  });
  const routes = routeTable(app);

  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  await app.register(multipart, {
    // A name that tries to leave its folder is refused, not shortened in silence.
    preservePath: true,
    limits: { fileSize: maxUploadBytes, files: 64, fields: 64, fieldSize: maxPromptBytes },
  });
  await app.register(websocket, {
    options: { maxPayload: MAX_CLIENT_FRAME_BYTES, handleProtocols: firstStompProtocol },
  });
  if (corsOrigins === undefined) guardOrigin(app);
  else await allowOrigins(app, corsOrigins);

  app.setErrorHandler((error, request, reply) => {
    const coded = toCodedError(error);
    if (coded.code === "INTERNAL")
      request.log.error({ err: error, url: request.url }, "request failed");
    return sendProblem(reply, coded);
  });
  app.setNotFoundHandler((request, reply) => {
    if (request.method === "OPTIONS") return sendNothing(reply);
    const path = request.url.split("?", 1)[0] ?? "/";
    const allowed = routes.methodsOf(path);
    if (allowed.length > 0) {
      return reply
        .code(405)
        .header("allow", allowed.join(","))
        .type("text/plain; charset=utf-8")
        .send("405: Method Not Allowed");
    }
    if (path.startsWith("/api/v1/")) {
      return sendProblem(reply, new CodedError("NOT_FOUND", `there is no route ${path}`));
    }
    return reply.code(404).type("text/plain; charset=utf-8").send("404: Not Found");
  });
  return app;
}

function guardOrigin(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    if (isForeignOrigin(request.headers.host, request.headers.origin))
      return sendNothing(reply, 403);
    return undefined;
  });
}

async function allowOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  await app.register(cors, {
    origin: origins.includes("*") ? "*" : [...origins],
    methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    allowedHeaders: [
      "Content-Type",
      "Authorization",
      "Accept",
      "Prefer",
      "Idempotency-Key",
      "Last-Event-ID",
      "Comfy-User",
      "traceparent",
      "tracestate",
    ],
    exposedHeaders: [
      "Location",
      "Retry-After",
      "Digest",
      "Content-Disposition",
      "Preference-Applied",
      "Idempotent-Replayed",
    ],
    maxAge: 600,
  });
}

/** Web-STOMP speaks these; `/ws` has no subprotocol. */
const STOMP_PROTOCOLS = ["v12.stomp", "v11.stomp", "v10.stomp"];

function firstStompProtocol(offered: ReadonlySet<string>): string | false {
  return STOMP_PROTOCOLS.find((name) => offered.has(name)) ?? false;
}
