import type { FastifyRequest } from "fastify";
import type { Principal } from "./principal.ts";

/**
 * What a route asks of whoever calls it: `public` nothing, `known` any principal at all, `read` to see the own or all jobs,
 * the others the scope of that name. A route says so in its `config.access`; where it says nothing, reading methods are
 * `read` and all others `submit`.
 */
export type RouteAccess = "public" | "known" | "read" | "submit" | "read-all" | "operate";

declare module "fastify" {
  interface FastifyContextConfig {
    access?: RouteAccess;
  }
  interface FastifyRequest {
    principal: Principal;
  }
}

export function accessOf({ routeOptions, is404 }: FastifyRequest): RouteAccess {
  // That there is no such route is no secret.
  if (is404) return "public";
  const { method } = routeOptions;
  const { access } = routeOptions.config;
  if (access !== undefined) return access;
  const isReading = [method].flat().every((name) => name === "GET" || name === "HEAD");
  return isReading ? "read" : "submit";
}

export function isAllowed({ scopes }: Principal, access: RouteAccess): boolean {
  switch (access) {
    case "public":
    case "known":
      return true;
    case "read":
      return scopes.has("read-own") || scopes.has("read-all");
    case "submit":
    case "read-all":
    case "operate":
      return scopes.has(access);
  }
}
