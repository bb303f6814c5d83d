import { CodedError } from "@rabbitloom/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { NOBODY, type Principal } from "./principal.ts";
import { accessOf, isAllowed } from "./route-access.ts";

/** Tells who sends a request. Throws UNAUTHORIZED where that cannot be told, or no longer counts. */
export type Identify = (request: FastifyRequest) => Promise<Principal>;

/** Counts the request, and throws RATE_LIMITED where it is one too many. */
export type Limit = (principal: Principal, reply: FastifyReply) => Promise<void>;

export interface GuardOptions {
  readonly identify: Identify;
  readonly limit: Limit;
}

/**
 * The one place where `request.principal` is decided, for every route and socket, before a byte of the body is read. A
 * route that says nothing about access is not open: see RouteAccess.
 */
export function guard(app: FastifyInstance, { identify, limit }: GuardOptions): void {
  app.decorateRequest("principal");
  app.addHook("onRequest", async (request, reply) => {
    request.principal = NOBODY;
    const access = accessOf(request);
    if (access === "public") return;
    try {
      request.principal = await identify(request);
    } catch (error) {
      reply.header("www-authenticate", 'Bearer realm="rabbitloom"');
      throw error;
    }
    await limit(request.principal, reply);
    if (!isAllowed(request.principal, access)) {
      throw new CodedError("FORBIDDEN", `these credentials lack the scope for this: ${access}`);
    }
  });
}
