import { CodedError, isCodedError } from "@rabbitloom/protocol";
import { annotatedFile } from "@rabbitloom/workflow";
import type { FastifyInstance, FastifyReply } from "fastify";
import { contentDisposition } from "../files/content-disposition.ts";
import { checkRelative, existingFile, type Folders, isFolderName } from "../files/folders.ts";
import { safeMediaType } from "../files/media-type.ts";
import { channelOf, previewImage, readPreview } from "../files/preview.ts";
import { sendFile } from "../files/send-file.ts";
import type { TenantFolders } from "../files/tenant-folders.ts";
import { untrusted } from "../files/untrusted.ts";
import { sendNothing } from "../http/comfy-reply.ts";
import { disconnection } from "../http/once-closed.ts";
import { operation } from "../openapi/operation.ts";
import { viewFile } from "./file-operations.ts";

interface ViewQuery {
  readonly filename?: string | string[];
  readonly type?: string | string[];
  readonly subfolder?: string | string[];
  readonly preview?: string | string[];
  readonly channel?: string | string[];
}

export interface ViewRouteOptions {
  readonly foldersOf: TenantFolders;
}

/** `/view`: a file of the input, output or temp folder, whole, in part, or as a smaller picture. */
export function viewRoute(app: FastifyInstance, { foldersOf }: ViewRouteOptions): void {
  app.get<{ Querystring: ViewQuery }>("/view", operation(viewFile), async (request, reply) => {
    const query = request.query;
    const filename = one(query.filename);
    if (filename === undefined) return sendNothing(reply, 404);
    if (filename === "") return sendNothing(reply, 400);
    const { folder, name } = annotatedFile(filename, "output");
    const type = one(query.type) ?? folder;
    const folders = foldersOf(request.principal.tenant);
    const path = await find(folders, type, one(query.subfolder) ?? "", name);
    if (typeof path === "number") return sendNothing(reply, path);

    const base = name.split(/[/\\]/).at(-1) ?? name;
    const { type: mediaType, download } = safeMediaType(base);
    untrusted(reply).header("content-disposition", contentDisposition(base, { download }));
    const { signal } = disconnection(reply);
    const preview = one(query.preview);
    const channel = one(query.channel);
    if (preview !== undefined) {
      // Asked for a channel, ComfyUI's previews are webp: JPEG has no alpha to show.
      const wanted = readPreview(preview);
      const chosen = channel === "a" ? { ...wanted, format: "webp" as const } : wanted;
      return sendPicture(reply, `image/${chosen.format}`, await previewImage(path, chosen, signal));
    }
    if (channel === "rgb" || channel === "a") {
      return sendPicture(reply, "image/png", await channelOf(path, channel, signal));
    }
    return sendFile(request, reply.header("content-type", mediaType), path);
  });
}

/** The file's path, or the status ComfyUI answers with. */
async function find(
  folders: Folders,
  type: string,
  subfolder: string,
  name: string,
): Promise<string | number> {
  if (!isFolderName(type)) return 400;
  if (!isInside(name)) return 400;
  if (!isInside(subfolder)) return 403;
  try {
    return (await existingFile(folders[type], subfolder, name)) ?? 404;
  } catch (error) {
    if (isCodedError(error) && error.code === "FILE_REFUSED") return 403;
    throw error;
  }
}

function isInside(name: string): boolean {
  try {
    checkRelative(name, "name");
    return true;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

function sendPicture(reply: FastifyReply, type: string, bytes: Buffer): FastifyReply {
  return reply.header("content-type", type).send(bytes);
}

/** A parameter given twice counts once: the first one, as in ComfyUI. */
function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
