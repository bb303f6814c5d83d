import type { FastifyInstance } from "fastify";
import type { Connections } from "../auth/connections.ts";
import { openSocket } from "../comfy/info-operations.ts";
import { isObject } from "../http/json-body.ts";
import { operation } from "../openapi/operation.ts";
import { clientSocket } from "./client-socket.ts";
import { message } from "./frames.ts";
import { newClientId, type SocketHub } from "./socket-hub.ts";

export interface SocketRouteOptions {
  readonly sockets: SocketHub;
  readonly connections: Connections;
  /** What this server can do, told to clients that say what they can. */
  readonly features: Readonly<Record<string, unknown>>;
}

/** `/ws`: events in ComfyUI's words. */
export function socketRoutes(
  app: FastifyInstance,
  { sockets, connections, features }: SocketRouteOptions,
): void {
  app.get<{ Querystring: { clientId?: string } }>(
    "/ws",
    { websocket: true, ...operation(openSocket) },
    (socket, request) => {
      const { clientId } = request.query;
      const client = clientSocket(socket, {
        tenant: request.principal.tenant,
        clientId: typeof clientId === "string" && clientId !== "" ? clientId : newClientId(),
      });
      let isFirst = true;
      socket.on("message", (data, isBinary) => {
        // Only the first message may tell what the client reads; nothing else is expected from clients.
        if (isFirst && !isBinary && isFeatureFlags(String(data), client)) {
          client.send(message("feature_flags", features));
        }
        isFirst = false;
      });
      const connection = connections.add({
        ...request.principal,
        close: (reason) => socket.close(1008, reason),
      });
      socket.on("close", () => {
        connection[Symbol.dispose]();
        sockets.disconnect(client);
      });
      socket.on("error", () => socket.terminate());
      sockets.connect(client).catch((error: unknown) => {
        request.log.error({ err: error }, "socket could not be connected");
        socket.close(1013, "try again later");
      });
    },
  );
}

function isFeatureFlags(text: string, client: { readsMetadata: boolean }): boolean {
  const parsed = parse(text);
  if (!isObject(parsed) || parsed.type !== "feature_flags") return false;
  client.readsMetadata = isObject(parsed.data) && parsed.data.supports_preview_metadata === true;
  return true;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
