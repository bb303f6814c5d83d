import type { FastifyInstance } from "fastify";

/** Tells which methods a path answers to, so that another one is a 405 and not a 404. */
export interface RouteTable {
  methodsOf(path: string): string[];
}

/** Notes every route from here on. Parameters match one segment, `*` the rest. */
export function routeTable(app: FastifyInstance): RouteTable {
  const patterns = new Map<string, { readonly matcher: RegExp; readonly methods: Set<string> }>();

  app.addHook("onRoute", ({ url, method }) => {
    // The catch-all of the page would make every unknown path a known one.
    if (url === "/*" || url === "*") return;
    const entry = patterns.get(url) ?? { matcher: matcherOf(url), methods: new Set() };
    for (const name of [method].flat()) entry.methods.add(name);
    patterns.set(url, entry);
  });

  return {
    methodsOf(path) {
      const methods = new Set<string>();
      for (const { matcher, methods: known } of patterns.values()) {
        if (matcher.test(path)) for (const method of known) methods.add(method);
      }
      return [...methods].sort((a, b) => a.localeCompare(b));
    },
  };
}

function matcherOf(pattern: string): RegExp {
  const source = pattern
    .split("/")
    .map((segment) => {
      if (segment.startsWith(":")) return "[^/]+";
      if (segment === "*") return ".*";
      return segment.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    })
    .join("/");
  return new RegExp(`^${source}$`);
}
