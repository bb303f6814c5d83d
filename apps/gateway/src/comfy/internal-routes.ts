import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import type { CatalogCache } from "../catalog/catalog-cache.ts";
import { isFolderName } from "../files/folders.ts";
import type { TenantFolders } from "../files/tenant-folders.ts";
import { sendComfyJson, sendNothing } from "../http/comfy-reply.ts";
import { objectBody } from "../http/json-body.ts";
import { parseWith } from "../http/schema.ts";
import { operation } from "../openapi/operation.ts";
import {
  readFolderFiles,
  readFolderPaths,
  readLogs,
  readRawLogs,
  subscribeLogs,
  subscriptionSchema,
} from "./internal-operations.ts";
import { modelFolders } from "./model-folders.ts";

export interface InternalRouteOptions {
  readonly foldersOf: TenantFolders;
  readonly catalog: CatalogCache;
}

const filesParametersSchema = z.object({ type: z.string() });

/** What ComfyUI's terminal would show: a fleet has none, its logs stay with its processes. */
const NO_TERMINAL = { entries: [], size: { cols: 80, rows: 24 } };

/** `/internal`: what ComfyUI's own page asks for. Clients subscribe to logs when they start and take any 200. */
export function internalRoutes(
  app: FastifyInstance,
  { foldersOf, catalog }: InternalRouteOptions,
): void {
  app.get("/internal/logs", operation(readLogs), async (_request, reply) =>
    sendComfyJson(reply, ""),
  );
  app.get("/internal/logs/raw", operation(readRawLogs), async (_request, reply) =>
    sendComfyJson(reply, NO_TERMINAL),
  );
  app.patch("/internal/logs/subscribe", operation(subscribeLogs), async (request, reply) => {
    parseWith(subscriptionSchema, objectBody(request.body), "body");
    return sendNothing(reply);
  });

  /** Folder names stand for themselves: no paths of the server are shown. */
  app.get("/internal/folder_paths", operation(readFolderPaths), async (_request, reply) => {
    const names = modelFolders(catalog.current?.models ?? {});
    return sendComfyJson(reply, Object.fromEntries(names.map((name) => [name, [name]])));
  });

  app.get("/internal/files/:type", operation(readFolderFiles), async (request, reply) => {
    const { type } = parseWith(filesParametersSchema, request.params, "path");
    if (!isFolderName(type)) {
      return sendComfyJson(reply.code(400), { error: "Invalid directory type" });
    }
    return sendComfyJson(reply, await newestFirst(foldersOf(request.principal.tenant)[type]));
  });
}

async function newestFirst(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files = await Promise.all(
    entries
      .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
      .map(async ({ name }) => ({ name, facts: await stat(join(folder, name)).catch(() => null) })),
  );
  return files
    .flatMap(({ name, facts }) => (facts === null ? [] : [{ name, time: facts.mtimeMs }]))
    .sort((a, b) => b.time - a.time)
    .map(({ name }) => name);
}
