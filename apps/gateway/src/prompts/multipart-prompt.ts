import { rm } from "node:fs/promises";
import { CodedError } from "@rabbitloom/protocol";
import { parseJson } from "@rabbitloom/workflow";
import type { FastifyRequest } from "fastify";
import type { Folders } from "../files/folders.ts";
import { placeFile, type ReceivedFile, receiveFile } from "../files/place-file.ts";
import { fieldText, formParts } from "../http/form-parts.ts";
import { isObject } from "../http/json-body.ts";

export interface PromptFormLimits {
  /** Of the files together. */
  readonly maxUploadBytes: number;
  /** Of the prompt. */
  readonly maxPromptBytes: number;
}

/**
 * Reads a multipart body: a JSON part `prompt`, and files that go into the input folder. A file whose name is taken by
 * other bytes gets another one; the prompt then says the new name, wherever it said the old one.
 */
export async function readMultipartPrompt(
  request: FastifyRequest,
  folders: Folders,
  limits: PromptFormLimits,
): Promise<unknown> {
  const files: Received[] = [];
  try {
    return await readParts({ request, folders, limits }, files);
  } finally {
    // What was placed is gone from here; what was not, because the body broke off or is refused, must not stay.
    await discard(files);
  }
}

interface Received {
  readonly filename: string;
  readonly file: ReceivedFile;
}

async function readParts(
  {
    request,
    folders: { input, temp },
    limits: { maxUploadBytes, maxPromptBytes },
  }: {
    readonly request: FastifyRequest;
    readonly folders: Folders;
    readonly limits: PromptFormLimits;
  },
  files: Received[],
): Promise<unknown> {
  const fields: Record<string, unknown> = {};
  const parts = formParts(request, {
    maxBytes: maxUploadBytes + maxPromptBytes,
    maxFieldBytes: maxPromptBytes,
    maxFiles: 64,
  });
  for await (const part of parts) {
    if (part.type === "field") {
      fields[part.fieldname] = readField(part.fieldname, fieldText(part));
    } else if (part.fieldname === "prompt") {
      // curl -F prompt=@workflow.json sends it as a file.
      fields.prompt = parseJson(await readText(part.file, maxPromptBytes));
    } else {
      const file = await receiveFile(temp, part.file);
      files.push({ filename: part.filename, file });
      if (part.file.truncated) {
        throw new CodedError(
          "PAYLOAD_TOO_LARGE",
          `file ${JSON.stringify(part.filename)} is over the limit`,
        );
      }
    }
  }
  const { prompt } = fields;
  if (prompt === undefined) {
    throw new CodedError("INVALID_REQUEST", 'multipart body: expected a part "prompt" with JSON');
  }
  const renamed = new Map<string, string>();
  for (const { filename, file } of files) {
    const name = await placeFile(input, file, { filename, subfolder: "", overwrite: false });
    if (name !== filename) renamed.set(filename, name);
  }
  const { prompt: inner, ...others } = isObject(prompt) && isWrapper(prompt) ? prompt : { prompt };
  return { ...fields, ...others, prompt: renameFiles(inner, renamed) };
}

function isWrapper(prompt: Readonly<Record<string, unknown>>): boolean {
  return isObject(prompt.prompt) && !("class_type" in prompt.prompt);
}

/** Fields beside the prompt are JSON where they look like it (`watch=true`), else text. */
function readField(name: string, text: string): unknown {
  if (name === "prompt") return parseJson(text);
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

async function discard(files: readonly Received[]): Promise<void> {
  await Promise.all(files.map(({ file }) => rm(file.path, { force: true })));
}

async function readText(source: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new CodedError(
        "PAYLOAD_TOO_LARGE",
        `prompt: expected at most ${maxBytes} bytes of JSON`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Replaces a name where an input is just that name, or that name with its folder behind it. */
function renameFiles(prompt: unknown, renamed: ReadonlyMap<string, string>): unknown {
  if (renamed.size === 0 || !isObject(prompt)) return prompt;
  for (const node of Object.values(prompt)) {
    if (!isObject(node) || !isObject(node.inputs)) continue;
    for (const [input, value] of Object.entries(node.inputs)) {
      if (typeof value !== "string") continue;
      const name = value.replace(/ ?\[input\]$/, "");
      const newName = renamed.get(name);
      if (newName !== undefined) node.inputs[input] = value.replace(name, newName);
    }
  }
  return prompt;
}
