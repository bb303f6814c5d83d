import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { CodedError } from "@rabbitloom/protocol";
import type { FastifyRequest } from "fastify";
import { createBLAKE3 } from "hash-wasm";
import * as z from "zod";
import type { Folders } from "../files/folders.ts";
import { type ReceivedFile, receiveFile } from "../files/place-file.ts";
import { FORM_OVERHEAD_BYTES, fieldText, formParts } from "../http/form-parts.ts";
import { parseWith } from "../http/schema.ts";
import { blobHashSchema, expiresInSchema } from "./schemas.ts";

const fieldsSchema = z.object({
  content_type: z
    .string()
    .regex(/^[\w.+-]+\/[\w.+-]+(;[ -~]*)?$/, "expected a media type, such as image/png")
    .max(256),
  file_path: z.string().min(1).max(1_024),
  expected_hash: blobHashSchema.optional(),
  expires_in: expiresInSchema.optional(),
});

export interface Upload extends z.infer<typeof fieldsSchema> {
  readonly tags: readonly string[];
  /** For the caller to remove. */
  readonly file: ReceivedFile;
  readonly hash: string;
}

/** Reads a multipart body: the file's part and the texts beside it, in any order. The hash is always our own. */
export async function readUpload(
  request: FastifyRequest,
  folders: Folders,
  maxUploadBytes: number,
): Promise<Upload> {
  if (!request.isMultipart()) {
    throw new CodedError(
      "UNSUPPORTED_MEDIA_TYPE",
      "expected a multipart/form-data body with a file",
    );
  }
  const texts: Record<string, string> = {};
  const tags: string[] = [];
  let received: { readonly file: ReceivedFile; readonly hash: string } | undefined;
  try {
    const maxBytes = maxUploadBytes + FORM_OVERHEAD_BYTES;
    for await (const part of formParts(request, { maxBytes })) {
      if (part.type === "field") {
        const text = fieldText(part);
        if (part.fieldname === "tags") tags.push(...readTags(text));
        else texts[part.fieldname] = text;
        continue;
      }
      if (part.fieldname !== "file" || received !== undefined) {
        throw new CodedError(
          "INVALID_REQUEST",
          `expected one file, in the part "file"; got another in ${JSON.stringify(part.fieldname)}`,
        );
      }
      received = await hashed(folders, part.file);
      if (part.file.truncated)
        throw new CodedError("PAYLOAD_TOO_LARGE", "file: over the size limit");
    }
    if (received === undefined) throw new CodedError("INVALID_REQUEST", 'expected a part "file"');
    const fields = parseWith(fieldsSchema, texts, "body");
    if (fields.expected_hash !== undefined && fields.expected_hash !== received.hash) {
      throw new CodedError(
        "HASH_MISMATCH",
        `expected_hash is ${fields.expected_hash}, but the bytes are ${received.hash}`,
      );
    }
    return { ...fields, tags, ...received };
  } catch (error) {
    if (received !== undefined) await rm(received.file.path, { force: true });
    throw error;
  }
}

async function hashed(folders: Folders, source: AsyncIterable<Uint8Array>) {
  const hasher = (await createBLAKE3()).init();
  async function* counted() {
    for await (const chunk of source) {
      hasher.update(chunk);
      yield chunk;
    }
  }
  const file = await receiveFile(folders.temp, Readable.from(counted(), { objectMode: false }));
  return { file, hash: `blake3:${hasher.digest("hex")}` };
}

/** Repeated parts, one part with a JSON list, or one word: clients send all three. */
function readTags(text: string): string[] {
  if (!text.startsWith("[")) return [text];
  try {
    const list = z.array(z.string()).safeParse(JSON.parse(text));
    return list.success ? list.data : [text];
  } catch {
    return [text];
  }
}
