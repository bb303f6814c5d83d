import type { FastifyInstance } from "fastify";
import { accessOf } from "./route-access.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The job that the request made or meant, where its address does not name it. */
    auditTarget: string | undefined;
  }
}

/**
 * One line of JSON for each request that changed something or was refused: who did what to which job or key. Addresses are
 * told as routes and bodies not at all, so that no secret and no prompt gets in.
 */
export function audit(app: FastifyInstance, write: (line: string) => void): void {
  app.decorateRequest("auditTarget");
  app.addHook("onResponse", async (request, reply) => {
    const { method, principal, routeOptions, params, ip } = request;
    const status = reply.statusCode;
    const isChange = method !== "GET" && method !== "HEAD" && accessOf(request) !== "public";
    if (!isChange && status !== 401 && status !== 403 && status !== 429) return;
    const named: unknown =
      typeof params === "object" && params !== null && "id" in params ? params.id : undefined;
    write(
      JSON.stringify({
        audit: true,
        at: new Date().toISOString(),
        keyId: principal.keyId,
        tenant: principal.tenant,
        method,
        route: routeOptions.url,
        target: named ?? request.auditTarget,
        status,
        ip,
      }),
    );
  });
}
