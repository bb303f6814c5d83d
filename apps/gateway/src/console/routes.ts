import { stat } from "node:fs/promises";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

/** Shown at `/` until the console is built: clients take any 200 there for a sign of life. */
const NO_CONSOLE =
  "<!doctype html><title>Rabbitloom</title><p>Rabbitloom is running. The console is not built.</p>\n";

/**
 * The console at `/`, where it is built. Unknown paths stay 404: a page that answers everything would make clients
 * believe in extensions that are not there.
 */
export async function consoleRoutes(
  app: FastifyInstance,
  { consoleDir }: { readonly consoleDir: string },
): Promise<void> {
  const isBuilt = await stat(join(consoleDir, "index.html")).then(
    (file) => file.isFile(),
    () => false,
  );
  if (!isBuilt) {
    app.get("/", (_request, reply) =>
      reply.type("text/html; charset=utf-8").header("cache-control", "no-cache").send(NO_CONSOLE),
    );
    return;
  }
  await app.register(fastifyStatic, {
    root: consoleDir,
    wildcard: false,
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
}
