import type { FastifyRequest } from "fastify";

/** How the client reaches this gateway: as configured, else as it said itself in `Host`. */
export function baseUrl(request: FastifyRequest, publicUrl: string | undefined): string {
  return publicUrl ?? `${request.protocol}://${request.host}`;
}
