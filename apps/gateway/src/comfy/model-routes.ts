import type { FastifyInstance } from "fastify";
import * as z from "zod";
import type { CatalogCache } from "../catalog/catalog-cache.ts";
import { type ModelFiles, pictureBeside, safetensorsMetadata } from "../files/model-files.ts";
import { previewImage } from "../files/preview.ts";
import { sendComfyJson, sendNothing } from "../http/comfy-reply.ts";
import { disconnection } from "../http/once-closed.ts";
import { parseWith } from "../http/schema.ts";
import { operation } from "../openapi/operation.ts";
import {
  readEmbeddings,
  readMetadata,
  readModelFiles,
  readModelFilesInDetail,
  readModelFolders,
  readModelFoldersInDetail,
} from "./info-operations.ts";
import { readModelPreview } from "./internal-operations.ts";
import { modelFolders } from "./model-folders.ts";

export interface ModelRouteOptions {
  readonly catalog: CatalogCache;
  readonly modelFiles: ModelFiles;
}

const folderSchema = z.object({ folder: z.string() });
const metadataQuerySchema = z.object({ filename: z.string().optional() });
const previewSchema = z.object({ folder: z.string(), index: z.string(), "*": z.string() });

/** `/models` and what belongs to them: the names that the fleet knows, and what files on this machine say. */
export function modelRoutes(
  app: FastifyInstance,
  { catalog, modelFiles }: ModelRouteOptions,
): void {
  app.get("/models", operation(readModelFolders), async (_request, reply) =>
    sendComfyJson(reply, modelFolders(catalog.current?.models ?? {})),
  );

  app.get("/models/:folder", operation(readModelFiles), async (request, reply) => {
    const files = filesOf(parseWith(folderSchema, request.params, "path").folder);
    return files === undefined ? sendNothing(reply, 404) : sendComfyJson(reply, files);
  });

  app.get("/experiment/models", operation(readModelFoldersInDetail), async (_request, reply) =>
    sendComfyJson(
      reply,
      modelFolders(catalog.current?.models ?? {})
        .filter((name) => name !== "custom_nodes" && name !== "configs")
        .map((name) => ({ name, folders: [name] })),
    ),
  );

  app.get(
    "/experiment/models/:folder",
    operation(readModelFilesInDetail),
    async (request, reply) => {
      const files = filesOf(parseWith(folderSchema, request.params, "path").folder);
      if (files === undefined) return sendNothing(reply, 404);
      return sendComfyJson(
        reply,
        files.map((name) => ({ name, pathIndex: 0 })),
      );
    },
  );

  app.get(
    "/experiment/models/preview/:folder/:index/*",
    operation(readModelPreview),
    async (request, reply) => {
      const { folder, "*": name } = parseWith(previewSchema, request.params, "path");
      const path = await modelFiles.find(folder, name);
      const picture = path === undefined ? undefined : await pictureBeside(path);
      if (picture === undefined) return sendNothing(reply, 404);
      const bytes = await previewImage(
        picture,
        { format: "webp", quality: 90 },
        disconnection(reply).signal,
      );
      return reply.type("image/webp").send(bytes);
    },
  );

  app.get("/view_metadata/:folder", operation(readMetadata), async (request, reply) => {
    const { folder } = parseWith(folderSchema, request.params, "path");
    const { filename } = parseWith(metadataQuerySchema, request.query, "query");
    if (!filename?.endsWith(".safetensors")) return sendNothing(reply, 404);
    const path = await modelFiles.find(folder, filename);
    const metadata = path === undefined ? undefined : await safetensorsMetadata(path);
    return metadata === undefined ? sendNothing(reply, 404) : sendComfyJson(reply, metadata);
  });

  app.get("/embeddings", operation(readEmbeddings), async (_request, reply) =>
    sendComfyJson(
      reply,
      (catalog.current?.models.embeddings ?? []).map((name) => name.replace(/\.[^./]+$/, "")),
    ),
  );

  /** Sorted names; undefined for a folder that neither ComfyUI nor the fleet knows. */
  function filesOf(folder: string): readonly string[] | undefined {
    const models = catalog.current?.models ?? {};
    if (!modelFolders(models).includes(folder)) return undefined;
    return Object.hasOwn(models, folder) ? models[folder] : [];
  }
}
