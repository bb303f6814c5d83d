import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import * as z from "zod";
import { contentDisposition } from "../files/content-disposition.ts";
import { pathInside } from "../files/folders.ts";
import { safeMediaType } from "../files/media-type.ts";
import { sendFile } from "../files/send-file.ts";
import type { TenantFolders } from "../files/tenant-folders.ts";
import { untrusted } from "../files/untrusted.ts";
import {
  deleteUserFile,
  folderEntries,
  moveUserFile,
  relativePath,
  userFileFacts,
  visibleFiles,
  writeUserFile,
} from "../files/user-files.ts";
import { sendComfyJson, sendNothing, sendPlainText } from "../http/comfy-reply.ts";
import { parseWith } from "../http/schema.ts";
import { operation } from "../openapi/operation.ts";
import {
  deleteUserFileOperation,
  listUserData,
  listUserEntries,
  moveUserFileOperation,
  readUserFile,
  writeUserFileOperation,
} from "./userdata-operations.ts";

export interface UserDataRouteOptions {
  readonly foldersOf: TenantFolders;
  readonly maxUploadBytes: number;
}

interface StoredFile {
  readonly root: string;
  readonly path: string;
}

const listQuerySchema = z.object({
  dir: z.string().default(""),
  recurse: z.string().default(""),
  full_info: z.string().default(""),
  split: z.string().default(""),
});
const writeQuerySchema = z.object({
  overwrite: z.string().default("true"),
  full_info: z.string().default(""),
});
const fileParametersSchema = z.object({ file: z.string() });
const moveParametersSchema = z.object({ file: z.string(), dest: z.string() });
const entriesQuerySchema = z.object({ path: z.string().default("") });

/** `/userdata`: the editor's workflows and other files of the user's own, in a folder that all gateways share. */
export function userDataRoutes(
  app: FastifyInstance,
  { foldersOf, maxUploadBytes }: UserDataRouteOptions,
): void {
  const rootOf = ({ principal }: FastifyRequest) =>
    join(foldersOf(principal.tenant).user, "default");
  const writing = { ...operation(writeUserFileOperation), bodyLimit: maxUploadBytes };
  // A file's bytes are stored as they come, whatever their type says.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

  app.get("/userdata", operation(listUserData), async (request, reply) => {
    const query = parseWith(listQuerySchema, request.query, "query");
    if (query.dir === "") return sendPlainText(reply, 400, "Directory not provided");
    const folder = await pathInside(rootOf(request), decoded(query.dir));
    if (folder === undefined) return sendPlainText(reply, 403, "Invalid directory");
    const kind = await kindOf(folder);
    if (kind === "nothing") return sendPlainText(reply, 404, "Directory not found");
    if (kind === "file") return sendComfyJson(reply, []);
    const paths = await visibleFiles(folder, isTrue(query.recurse));
    if (isTrue(query.full_info)) {
      return sendComfyJson(
        reply,
        await Promise.all(paths.map((path) => userFileFacts(folder, path))),
      );
    }
    const names = paths.map((path) => relativePath(folder, path));
    return sendComfyJson(
      reply,
      isTrue(query.split) ? names.map((name) => [name, ...name.split("/")]) : names,
    );
  });

  app.get("/v2/userdata", operation(listUserEntries), async (request, reply) => {
    const { path } = parseWith(entriesQuerySchema, request.query, "query");
    const root = rootOf(request);
    const folder = await pathInside(root, decoded(path));
    if (folder === undefined) return sendPlainText(reply, 400, "Invalid path requested");
    const kind = await kindOf(folder);
    if (kind === "file") return sendPlainText(reply, 400, "Requested path is not a directory");
    if (kind === "folder") return sendComfyJson(reply, await folderEntries(root, folder));
    // Nothing was stored yet: the user's own folder is empty, not unknown.
    if (folder === root) return sendComfyJson(reply, []);
    return sendPlainText(reply, 404, "Requested path not found");
  });

  app.get("/userdata/:file", operation(readUserFile), async (request, reply) => {
    const { file } = parseWith(fileParametersSchema, request.params, "path");
    const path = await existing(rootOf(request), file);
    if (typeof path === "number") return sendNothing(reply, path);
    const { type, download } = safeMediaType(path);
    untrusted(reply).header("content-type", type);
    if (download) {
      const name = path.split("/").at(-1) ?? path;
      reply.header("content-disposition", contentDisposition(name, { download }));
    }
    return sendFile(request, reply, path);
  });

  app.post("/userdata/:file", writing, async (request, reply) => {
    const { file } = parseWith(fileParametersSchema, request.params, "path");
    const query = parseWith(writeQuerySchema, request.query, "query");
    const root = rootOf(request);
    const path = await pathInside(root, decoded(file));
    if (path === undefined) return sendNothing(reply, 403);
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const overwrites = query.overwrite !== "false";
    if (!(await writeUserFile(path, bytes, { overwrites }))) return taken(reply);
    return sendStored(reply, { root, path }, isTrue(query.full_info));
  });

  app.post(
    "/userdata/:file/move/:dest",
    operation(moveUserFileOperation),
    async (request, reply) => {
      const { file, dest } = parseWith(moveParametersSchema, request.params, "path");
      const query = parseWith(writeQuerySchema, request.query, "query");
      const from = await existing(rootOf(request), file);
      if (typeof from === "number") return sendNothing(reply, from);
      const root = rootOf(request);
      const to = await pathInside(root, decoded(dest));
      if (to === undefined) return sendNothing(reply, 403);
      const overwrites = query.overwrite !== "false";
      if (!(await moveUserFile(from, to, { overwrites }))) return taken(reply);
      return sendStored(reply, { root, path: to }, isTrue(query.full_info));
    },
  );

  app.delete("/userdata/:file", operation(deleteUserFileOperation), async (request, reply) => {
    const { file } = parseWith(fileParametersSchema, request.params, "path");
    const path = await existing(rootOf(request), file);
    if (typeof path === "number") return sendNothing(reply, path);
    await deleteUserFile(path);
    return reply.code(204).send();
  });

  /** The file's path, or the status ComfyUI answers with. */
  async function existing(root: string, file: string): Promise<string | 403 | 404> {
    const path = await pathInside(root, decoded(file));
    if (path === undefined) return 403;
    return (await kindOf(path)) === "file" ? path : 404;
  }

  async function sendStored(reply: FastifyReply, { root, path }: StoredFile, isFull: boolean) {
    return sendComfyJson(
      reply,
      isFull ? await userFileFacts(root, path) : relativePath(root, path),
    );
  }
}

function taken(reply: FastifyReply): FastifyReply {
  return sendPlainText(reply, 409, "File already exists");
}

/** Some clients encode a name once more than needed. */
function decoded(name: string): string {
  try {
    return name.includes("%") ? decodeURIComponent(name) : name;
  } catch {
    return name;
  }
}

function isTrue(text: string): boolean {
  return text.toLowerCase() === "true";
}

async function kindOf(path: string): Promise<"file" | "folder" | "nothing"> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isFile()) return "file";
  return facts?.isDirectory() ? "folder" : "nothing";
}
