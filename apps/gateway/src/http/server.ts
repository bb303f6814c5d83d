import cors from "@fastify/cors";
import multipart from "@fastify/multipart";
import websocket from "@fastify/websocket";
import { CodedError } from "@rabbitloom/protocol";
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import { audit } from "../auth/audit.ts";
import { type GuardOptions, guard } from "../auth/guard.ts";
import { sendV2Error } from "../comfy-v2/errors.ts";
import { sendNothing } from "./comfy-reply.ts";
import { isForeignHost, isForeignOrigin, type OriginFacts } from "./origin-guard.ts";
import { sendProblem } from "./problem.ts";
import { routeTable } from "./route-table.ts";
import { toCodedError } from "./to-coded-error.ts";

export interface ServerOptions extends GuardOptions {
  readonly logger: FastifyBaseLogger;
  readonly corsOrigins: readonly string[] | undefined;
  readonly publicUrl: string | undefined;
  /** Names that requests may use beside those of this machine; undefined: any. */
  readonly allowedHosts: readonly string[] | undefined;
  readonly maxPromptBytes: number;
  readonly maxUploadBytes: number;
  /** Takes each line of the audit log. */
  readonly auditLine: (line: string) => void;
}

/** Larger frames than clients of `/ws` and `/stomp` have reason to send. */
const MAX_CLIENT_FRAME_BYTES = 1_048_576;

/** How long a request may take to arrive, its body included. */
const ARRIVAL_MS = 600_000;

/**
 * Fastify with what all routes share. Bodies come as text whatever their type says: ComfyUI's clients send JSON
 * as text/plain, as a form, or with no type at all.
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { logger, corsOrigins, publicUrl, allowedHosts, maxPromptBytes, maxUploadBytes } = options;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: maxPromptBytes,
    forceCloseConnections: true,
    requestTimeout: ARRIVAL_MS,
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
  if (allowedHosts !== undefined) guardHost(app, allowedHosts);
  guardOrigin(app, { allowed: corsOrigins, publicUrl });
  if (corsOrigins !== undefined) await allowOrigins(app, corsOrigins);
  refusePackedBodies(app);
  audit(app, options.auditLine);
  guard(app, options);

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
    if (path.startsWith("/api/v2/")) {
      const known = `${path}; it answers to ${allowed.join(", ")}`;
      return sendV2Error(
        allowed.length > 0 ? reply.header("allow", allowed.join(",")) : reply,
        new CodedError(
          "NOT_FOUND",
          `there is no ${request.method} ${allowed.length > 0 ? known : path}`,
        ),
      );
    }
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

function guardHost(app: FastifyInstance, allowed: readonly string[]): void {
  app.addHook("onRequest", async ({ headers: { host } }) => {
    if (!isForeignHost(host, allowed)) return;
    throw new CodedError(
      "FORBIDDEN",
      `Host: expected a name of this machine, got ${JSON.stringify(host)}; ALLOWED_HOSTS may name it`,
    );
  });
}

/** A kilobyte may unpack to a gigabyte: nothing is unpacked here, and a body that was packed says so itself. */
function refusePackedBodies(app: FastifyInstance): void {
  app.addHook("onRequest", async ({ headers }) => {
    const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? "";
    if (encoding === "" || encoding === "identity") return;
    throw new CodedError(
      "UNSUPPORTED_MEDIA_TYPE",
      `Content-Encoding: expected a body as it is, got ${JSON.stringify(encoding)}`,
    );
  });
}

function guardOrigin(
  app: FastifyInstance,
  settings: Pick<OriginFacts, "allowed" | "publicUrl">,
): void {
  app.addHook("onRequest", async ({ headers: { host, origin } }, reply) => {
    if (isForeignOrigin({ host, origin, ...settings })) return sendNothing(reply, 403);
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
      "X-API-Key",
      "Accept",
      "Prefer",
      "Idempotency-Key",
      "Last-Event-ID",
      "If-None-Match",
      "Range",
      "Comfy-User",
      "traceparent",
      "tracestate",
    ],
    exposedHeaders: [
      "Location",
      "Retry-After",
      "RateLimit-Limit",
      "RateLimit-Remaining",
      "RateLimit-Reset",
      "Digest",
      "Content-Disposition",
      "Preference-Applied",
      "Idempotent-Replayed",
      "ETag",
      "Content-Range",
      "Accept-Ranges",
    ],
    maxAge: 600,
  });
}

/** Web-STOMP speaks these; `/ws` has no subprotocol. */
const STOMP_PROTOCOLS = ["v12.stomp", "v11.stomp", "v10.stomp"];

function firstStompProtocol(offered: ReadonlySet<string>): string | false {
  return STOMP_PROTOCOLS.find((name) => offered.has(name)) ?? false;
}
