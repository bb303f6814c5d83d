import type { FastifyInstance } from "fastify";
import type { Operation } from "./operation.ts";

export interface ListedRoute {
  /** In lower case, as OpenAPI writes it. */
  readonly method: string;
  /** With `{id}` where Fastify says `:id`. */
  readonly path: string;
  /** Absent: nobody has declared the route yet. */
  readonly operation: Operation | undefined;
}

/** Notes every route from here on that clients may call. HEAD comes with GET, OPTIONS with CORS: neither is listed. */
export function listedRoutes(app: FastifyInstance): readonly ListedRoute[] {
  const routes: ListedRoute[] = [];
  app.addHook("onRoute", ({ url, method, config, schema }) => {
    if (schema?.hide === true) return;
    for (const name of [method].flat()) {
      if (name === "HEAD" || name === "OPTIONS") continue;
      const path = url.replaceAll(/:(\w+)/g, "{$1}").replace(/\*$/, "{path}");
      routes.push({ method: name.toLowerCase(), path, operation: config?.operation });
    }
  });
  return routes;
}
