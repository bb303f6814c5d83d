import { stat } from "node:fs/promises";
import { join } from "node:path";
import fastifyStatic, { type FastifyStaticOptions } from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { unlisted } from "../openapi/operation.ts";

export interface PageOptions {
  readonly consoleDir: string;
  /** A built ComfyUI frontend that takes the console's place at `/`. */
  readonly frontEndRoot?: string | undefined;
}

/** Shown until the console is built: clients take any 200 at `/` for a sign of life. */
const NO_CONSOLE =
  "<!doctype html><title>Rabbitloom</title><p>Rabbitloom is running. The console is not built.</p>\n";

/**
 * The page at `/`: the console, or somebody's frontend, and then the console at `/console/`. Unknown paths stay 404:
 * a page that answers everything would make clients believe in extensions that are not there. Throws where the
 * frontend is not built.
 */
export async function pageRoutes(app: FastifyInstance, options: PageOptions): Promise<void> {
  const { consoleDir, frontEndRoot } = options;
  if (frontEndRoot === undefined) return consoleRoutes(app, consoleDir, "/");
  if (!(await hasIndex(frontEndRoot))) {
    throw new Error(`FRONT_END_ROOT: expected a folder with an index.html, got ${frontEndRoot}`);
  }
  // Its thousands of files may be exchanged while the gateway runs: each is looked for when it is asked for.
  await serveFolder(app, { root: frontEndRoot, wildcard: true });
  app.get("/console", { ...unlisted, config: { access: "public" } }, (_request, reply) =>
    reply.redirect("console/"),
  );
  await consoleRoutes(app, consoleDir, "/console/");
}

async function consoleRoutes(
  app: FastifyInstance,
  consoleDir: string,
  prefix: "/" | "/console/",
): Promise<void> {
  if (!(await hasIndex(consoleDir))) {
    app.get(prefix, unlisted, (_request, reply) =>
      reply.type("text/html; charset=utf-8").header("cache-control", "no-cache").send(NO_CONSOLE),
    );
    return;
  }
  await serveFolder(app, { root: consoleDir, prefix, wildcard: false });
}

async function serveFolder(
  app: FastifyInstance,
  options: Pick<FastifyStaticOptions, "root" | "prefix" | "wildcard">,
): Promise<void> {
  await app.register((scope, _options, done) => {
    // The page itself is nobody's secret: what it asks for is.
    scope.addHook("onRoute", (route) => {
      route.config = { ...route.config, access: "public" };
    });
    void scope.register(fastifyStatic, {
      ...options,
      index: ["index.html"],
      cacheControl: false,
      setHeaders: (reply, path) => {
        // Built files carry a digest in their names; the page that names them must stay fresh.
        const isDigested = path.includes("/assets/");
        void reply.header(
          "cache-control",
          isDigested ? "public, max-age=31536000, immutable" : "no-cache",
        );
      },
    });
    done();
  });
}

function hasIndex(folder: string): Promise<boolean> {
  return stat(join(folder, "index.html")).then(
    (file) => file.isFile(),
    () => false,
  );
}
