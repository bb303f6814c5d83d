import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { FastifyReply, FastifyRequest } from "fastify";

/** Answers with a file: `ETag`, `Last-Modified`, 304, and one range with 206 or 416. Headers set before stay. */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
): Promise<FastifyReply> {
  const { size, mtime, mtimeMs } = await stat(path);
  const etag = `"${Math.trunc(mtimeMs * 1000).toString(16)}-${size.toString(16)}"`;
  reply.header("etag", etag).header("last-modified", mtime.toUTCString());
  if (isFresh(request, etag, mtime)) return reply.code(304).send();

  reply.header("accept-ranges", "bytes");
  const range = readRange(request, { size, etag, mtime });
  if (range === "unsatisfiable") {
    return reply.code(416).header("content-range", `bytes */${size}`).send("");
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range !== undefined) {
    reply.code(206).header("content-range", `bytes ${start}-${end}/${size}`);
  }
  reply.header("content-length", Math.max(0, end - start + 1));
  if (request.method === "HEAD" || size === 0) return reply.send("");
  return reply.send(createReadStream(path, { start, end }));
}

/** `If-None-Match` counts before `If-Modified-Since` (RFC 9110, 13.2.2); times have whole seconds. */
function isFresh({ headers, method }: FastifyRequest, etag: string, mtime: Date): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  const match = headers["if-none-match"];
  if (match !== undefined) {
    return match.split(",").some((tag) => ["*", etag].includes(tag.trim().replace(/^W\//, "")));
  }
  const since = Date.parse(headers["if-modified-since"] ?? "");
  return Math.floor(mtime.getTime() / 1000) * 1000 <= since;
}

interface FileFacts {
  readonly size: number;
  readonly etag: string;
  readonly mtime: Date;
}

type Range = { readonly start: number; readonly end: number };

/** Several ranges at once are answered with the whole file, as RFC 9110 allows. */
function readRange(
  { headers, method }: FastifyRequest,
  { size, etag, mtime }: FileFacts,
): Range | "unsatisfiable" | undefined {
  if (method !== "GET" || headers.range === undefined) return undefined;
  const condition = headers["if-range"];
  if (typeof condition === "string" && condition !== etag && condition !== mtime.toUTCString()) {
    return undefined;
  }
  const match = /^bytes=(\d*)-(\d*)$/.exec(headers.range.trim());
  const [, from = "", to = ""] = match ?? [];
  if (from === "" && to === "") return undefined;
  const start = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (start >= size || (from === "" && Number(to) === 0)) return "unsatisfiable";
  return end < start ? undefined : { start, end };
}
