import { freemem, totalmem } from "node:os";
import type { JobStore } from "@rabbitloom/jobs";
import type { FastifyInstance } from "fastify";
import type { JobPublisher } from "../amqp/ports.ts";
import type { CatalogCache } from "../catalog/catalog-cache.ts";
import type { ObjectInfo } from "../catalog/object-info.ts";
import { sendComfyJson, sendComfyText, sendNothing } from "../http/comfy-reply.ts";
import { objectBody } from "../http/json-body.ts";
import { modelFolders } from "./model-folders.ts";

export interface InfoRouteOptions {
  readonly store: Pick<JobStore, "workers">;
  readonly catalog: CatalogCache;
  readonly objectInfo: ObjectInfo;
  readonly publisher: Pick<JobPublisher, "sendControl">;
  readonly features: Readonly<Record<string, unknown>>;
}

/** ComfyUI's version whose behaviour the gateway follows; clients compare it. */
const COMFYUI_VERSION = "0.3.64";

/** What ComfyUI tells about itself: nodes, models, devices, features. */
export function infoRoutes(app: FastifyInstance, options: InfoRouteOptions): void {
  const { store, catalog, objectInfo, publisher, features } = options;

  app.get("/object_info", async (request, reply) => {
    const { json, gzip, etag } = await objectInfo.all();
    reply
      .header("etag", etag)
      .header("vary", "accept-encoding")
      .header("cache-control", "no-cache");
    if (request.headers["if-none-match"]?.replace(/^W\//, "") === etag)
      return reply.code(304).send();
    const takesGzip = /\bgzip\b(?!;\s*q=0(?:\.0*)?\b)/.test(
      request.headers["accept-encoding"] ?? "",
    );
    if (takesGzip) reply.header("content-encoding", "gzip");
    return sendComfyText(reply, takesGzip ? gzip : json);
  });

  app.get<{ Params: { name: string } }>("/object_info/:name", async (request, reply) => {
    const { name } = request.params;
    const info = await objectInfo.one(name);
    return sendComfyJson(reply, info === undefined ? {} : { [name]: info });
  });

  app.get("/models", async (_request, reply) =>
    sendComfyJson(reply, modelFolders(catalog.current?.models ?? {})),
  );

  app.get<{ Params: { folder: string } }>("/models/:folder", async (request, reply) => {
    const files = filesOf(request.params.folder);
    return files === undefined ? sendNothing(reply, 404) : sendComfyJson(reply, files);
  });

  app.get("/experiment/models", async (_request, reply) =>
    sendComfyJson(
      reply,
      modelFolders(catalog.current?.models ?? {})
        .filter((name) => name !== "custom_nodes" && name !== "configs")
        .map((name) => ({ name, folders: [name] })),
    ),
  );

  app.get<{ Params: { folder: string } }>("/experiment/models/:folder", async (request, reply) => {
    const files = filesOf(request.params.folder);
    if (files === undefined) return sendNothing(reply, 404);
    return sendComfyJson(
      reply,
      files.map((name) => ({ name, pathIndex: 0 })),
    );
  });

  /** Sorted names; undefined for a folder that neither ComfyUI nor the fleet knows. */
  function filesOf(folder: string): readonly string[] | undefined {
    const models = catalog.current?.models ?? {};
    if (!modelFolders(models).includes(folder)) return undefined;
    return Object.hasOwn(models, folder) ? models[folder] : [];
  }

  app.get("/embeddings", async (_request, reply) =>
    sendComfyJson(
      reply,
      (catalog.current?.models.embeddings ?? []).map((name) => name.replace(/\.[^./]+$/, "")),
    ),
  );

  app.get("/view_metadata/:folder", async (_request, reply) => sendNothing(reply, 404));
  app.get("/extensions", async (_request, reply) => sendComfyJson(reply, []));
  app.get("/features", async (_request, reply) => sendComfyJson(reply, features));
  app.get("/i18n", async (_request, reply) => sendComfyJson(reply, {}));
  app.get("/workflow_templates", async (_request, reply) => sendComfyJson(reply, {}));

  app.get("/system_stats", async (_request, reply) => {
    const workers = await store.workers();
    return sendComfyJson(reply, {
      system: {
        os: process.platform === "win32" ? "nt" : "posix",
        ram_total: totalmem(),
        ram_free: freemem(),
        comfyui_version: COMFYUI_VERSION,
        required_frontend_version: "",
        python_version: `Node.js ${process.versions.node}`,
        pytorch_version: "",
        embedded_python: false,
        argv: [],
      },
      devices: workers.map(({ device }, index) => ({
        name: device.name,
        type: device.type,
        index: device.index ?? index,
        vram_total: device.totalMemoryBytes,
        vram_free: device.freeMemoryBytes,
        torch_vram_total: device.totalMemoryBytes,
        torch_vram_free: device.freeMemoryBytes,
      })),
    });
  });

  app.post("/free", async (request, reply) => {
    const body = objectBody(request.body);
    const unloadModels = Boolean(body.unload_models);
    const freeMemory = Boolean(body.free_memory);
    if (unloadModels || freeMemory) {
      await publisher.sendControl({ v: 1, type: "memory-free", unloadModels, freeMemory });
    }
    return sendNothing(reply);
  });
}
