import { rm } from "node:fs/promises";
import { CodedError, isCodedError } from "@rabbitloom/protocol";
import { annotatedFile, parseJson } from "@rabbitloom/workflow";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import { checkRelative, existingFile, type Folders, isFolderName } from "../files/folders.ts";
import { withMask } from "../files/masked-image.ts";
import { placeFile, type ReceivedFile, receiveFile } from "../files/place-file.ts";
import type { TenantFolders } from "../files/tenant-folders.ts";
import { sendComfyJson, sendNothing } from "../http/comfy-reply.ts";
import { FORM_OVERHEAD_BYTES, fieldText, formParts, MAX_FIELD_BYTES } from "../http/form-parts.ts";
import { disconnection } from "../http/once-closed.ts";
import { parseWith } from "../http/schema.ts";
import { operation } from "../openapi/operation.ts";
import { uploadImage, uploadMask } from "./file-operations.ts";

export interface UploadRouteOptions {
  readonly foldersOf: TenantFolders;
  readonly maxUploadBytes: number;
}

/** `/upload/image` and `/upload/mask`: files for nodes to load. Any kind of file is taken, as in ComfyUI. */
export function uploadRoutes(
  app: FastifyInstance,
  { foldersOf, maxUploadBytes }: UploadRouteOptions,
): void {
  app.post(
    "/upload/image",
    { bodyLimit: maxUploadBytes, ...operation(uploadImage) },
    async (request, reply) => {
      if (!request.isMultipart()) return sendNothing(reply, 400);
      const folders = foldersOf(request.principal.tenant);
      const upload = await readUpload(request, folders, maxUploadBytes);
      if (upload.image === undefined) return sendNothing(reply, 400);
      const { filename, file } = upload.image;
      const type = upload.fields.get("type") ?? "input";
      const subfolder = upload.fields.get("subfolder") ?? "";
      if (!isFolderName(type)) {
        await rm(file.path, { force: true });
        throw new CodedError(
          "INVALID_REQUEST",
          `type: expected input, output or temp, got ${JSON.stringify(type)}`,
        );
      }
      const overwrite = ["true", "1"].includes(upload.fields.get("overwrite") ?? "");
      const name = await placeFile(folders[type], file, { filename, subfolder, overwrite });
      return sendComfyJson(reply, { name, subfolder, type });
    },
  );

  app.post(
    "/upload/mask",
    { bodyLimit: maxUploadBytes, ...operation(uploadMask) },
    async (request, reply) => {
      if (!request.isMultipart()) return sendNothing(reply, 400);
      const folders = foldersOf(request.principal.tenant);
      const { image, fields } = await readUpload(request, folders, maxUploadBytes);
      if (image === undefined) return sendNothing(reply, 400);
      const { filename, file } = image;
      try {
        const original = await findOriginal(folders, fields.get("original_ref"));
        const subfolder = fields.get("subfolder") ?? "";
        const type = fields.get("type") ?? "input";
        if (original !== undefined && isFolderName(type)) {
          const { signal } = disconnection(reply);
          const masked = { ...file, path: await withMask(original, file.path, signal) };
          const overwrite = ["true", "1"].includes(fields.get("overwrite") ?? "");
          const name = await placeFile(folders[type], masked, { filename, subfolder, overwrite });
          return sendComfyJson(reply, { name, subfolder, type });
        }
        // As in ComfyUI: nothing to paint on is no error, and nothing is written.
        return sendComfyJson(reply, { name: filename, subfolder, type });
      } finally {
        await rm(file.path, { force: true });
      }
    },
  );
}

const originalSchema = z.object({
  filename: z.string(),
  subfolder: z.string().default(""),
  type: z.enum(["input", "output", "temp"]).default("output"),
});

/** The picture that a mask was painted on; undefined where it is not there, or not to be had. */
async function findOriginal(
  folders: Folders,
  text: string | undefined,
): Promise<string | undefined> {
  if (text === undefined) {
    throw new CodedError(
      "INVALID_REQUEST",
      "original_ref: expected the picture's name, got nothing",
    );
  }
  const { filename, subfolder, type } = parseWith(originalSchema, parseJson(text), "original_ref");
  const { folder, name } = annotatedFile(filename, type);
  try {
    checkRelative(name, "filename");
    checkRelative(subfolder, "subfolder");
    return await existingFile(folders[folder], subfolder, name);
  } catch (error) {
    if (isCodedError(error) && error.code === "FILE_REFUSED") return undefined;
    throw error;
  }
}

interface Upload {
  readonly image: { readonly filename: string; readonly file: ReceivedFile } | undefined;
  readonly fields: ReadonlyMap<string, string>;
}

/** Fields may stand before or after the file, and some clients send them as files. */
async function readUpload(
  request: FastifyRequest,
  folders: Folders,
  maxUploadBytes: number,
): Promise<Upload> {
  const fields = new Map<string, string>();
  let image: Upload["image"];
  const maxBytes = maxUploadBytes + FORM_OVERHEAD_BYTES;
  try {
    for await (const part of formParts(request, { maxBytes })) {
      if (part.type === "field") {
        fields.set(part.fieldname, fieldText(part));
      } else if (part.fieldname !== "image") {
        fields.set(part.fieldname, await readSmall(part.fieldname, part.file));
      } else if (image !== undefined) {
        part.file.resume();
      } else {
        image = { filename: part.filename, file: await receiveFile(folders.temp, part.file) };
        if (part.file.truncated) {
          throw new CodedError("PAYLOAD_TOO_LARGE", "image: the file is over the size limit");
        }
      }
    }
  } catch (error) {
    // Whatever is wrong with what came after the file: nobody will give it a name.
    if (image !== undefined) await rm(image.file.path, { force: true });
    throw error;
  }
  return { image, fields };
}

async function readSmall(name: string, source: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.byteLength;
    if (size > MAX_FIELD_BYTES)
      throw new CodedError("PAYLOAD_TOO_LARGE", `${name}: too long for a field`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8").trim();
}
