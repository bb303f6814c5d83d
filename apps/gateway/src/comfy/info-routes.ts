import { freemem, totalmem } from "node:os";
import type { JobStore } from "@rabbitloom/jobs";
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import type { JobPublisher } from "../amqp/ports.ts";
import type { ObjectInfo } from "../catalog/object-info.ts";
import { sendComfyJson, sendComfyText, sendNothing } from "../http/comfy-reply.ts";
import { objectBody } from "../http/json-body.ts";
import { parseWith } from "../http/schema.ts";
import { operation } from "../openapi/operation.ts";
import {
  freeMemory,
  readExtensions,
  readFeatures,
  readNodeReplacements,
  readObjectInfo,
  readOneObjectInfo,
  readSubgraph,
  readSubgraphs,
  readSystemStats,
  readTemplates,
  readTranslations,
} from "./info-operations.ts";

export interface InfoRouteOptions {
  readonly store: Pick<JobStore, "workers">;
  readonly objectInfo: ObjectInfo;
  readonly publisher: Pick<JobPublisher, "sendControl">;
  readonly features: Readonly<Record<string, unknown>>;
}

const classParametersSchema = z.object({ name: z.string() });

/** ComfyUI's version whose behaviour the gateway follows; clients compare it. */
const COMFYUI_VERSION = "0.3.64";

/** What ComfyUI tells about itself: nodes, devices, features. */
export function infoRoutes(app: FastifyInstance, options: InfoRouteOptions): void {
  const { store, objectInfo, publisher, features } = options;

  app.get("/object_info", operation(readObjectInfo), async (request, reply) => {
    const { json, gzip, etag } = await objectInfo.all(request.principal.tenant);
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

  app.get("/object_info/:name", operation(readOneObjectInfo), async (request, reply) => {
    const { name } = parseWith(classParametersSchema, request.params, "path");
    const info = await objectInfo.one(request.principal.tenant, name);
    return sendComfyJson(reply, info === undefined ? {} : { [name]: info });
  });

  app.get("/extensions", operation(readExtensions), async (_request, reply) =>
    sendComfyJson(reply, []),
  );
  app.get("/features", operation(readFeatures), async (_request, reply) =>
    sendComfyJson(reply, features),
  );
  app.get("/i18n", operation(readTranslations), async (_request, reply) =>
    sendComfyJson(reply, {}),
  );
  app.get("/workflow_templates", operation(readTemplates), async (_request, reply) =>
    sendComfyJson(reply, {}),
  );
  app.get("/global_subgraphs", operation(readSubgraphs), async (_request, reply) =>
    sendComfyJson(reply, {}),
  );
  app.get("/global_subgraphs/:id", operation(readSubgraph), async (_request, reply) =>
    sendNothing(reply, 404),
  );
  app.get("/node_replacements", operation(readNodeReplacements), async (_request, reply) =>
    sendComfyJson(reply, {}),
  );

  app.get("/system_stats", operation(readSystemStats), async (_request, reply) => {
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

  app.post("/free", operation(freeMemory, "operate"), async (request, reply) => {
    const body = objectBody(request.body);
    const unloadModels = Boolean(body.unload_models);
    const freeMemory = Boolean(body.free_memory);
    if (unloadModels || freeMemory) {
      await publisher.sendControl({ v: 1, type: "memory-free", unloadModels, freeMemory });
    }
    return sendNothing(reply);
  });
}
