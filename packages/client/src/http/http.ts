import { CodedError, parseJson, stringifyJson, WRITTEN_DEPTH } from "@rabbitloom/protocol";
import type * as z from "zod";
import { errorFromResponse } from "./response-error.ts";

type HeaderRecord = Readonly<Record<string, string>>;

export interface HttpOptions {
  /** Address of the gateway, with its path where it is not at the root. */
  readonly baseUrl: string | URL;
  /** @default the global fetch */
  readonly fetch?: typeof globalThis.fetch;
  /** An API key or an access token, sent as `Authorization: Bearer`. */
  readonly apiKey?: string;
  /** Sent with every request; a function is asked each time, for tokens that are renewed. */
  readonly headers?: HeaderRecord | (() => HeaderRecord | Promise<HeaderRecord>);
}

type Query = Readonly<Record<string, string | undefined>>;

export interface RequestOptions {
  readonly method?: "GET" | "POST";
  readonly query?: Query;
  readonly headers?: HeaderRecord;
  /** Written so that integers of 64 bits may be bigint. */
  readonly json?: unknown;
  readonly body?: FormData;
  readonly signal?: AbortSignal | undefined;
}

/** Requests to one gateway. Everything that goes wrong is a CodedError, except the signal's own reason. */
export interface Http {
  url(path: string, query?: Query): URL;
  /** Throws for a status of 400 and above. */
  send(path: string, options?: RequestOptions): Promise<Response>;
  /** The answer's body; CONNECTION_LOST where it breaks off. */
  whole(response: Response, path: string, signal?: AbortSignal | undefined): Promise<ArrayBuffer>;
  json<Schema extends z.ZodType>(
    path: string,
    options: RequestOptions & { readonly schema: Schema },
  ): Promise<z.infer<Schema>>;
}

export function createHttp(options: HttpOptions): Http {
  const { baseUrl, fetch = globalThis.fetch, apiKey, headers = {} } = options;
  const base = new URL(baseUrl);
  if (!base.pathname.endsWith("/")) base.pathname += "/";

  const url: Http["url"] = (path, query = {}) => {
    const target = new URL(path.replace(/^\//, ""), base);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, value);
    }
    return target;
  };

  const send: Http["send"] = async (path, request = {}) => {
    const { method = "GET", query, json, body, signal } = request;
    const where = `${method} ${path}`;
    const given = typeof headers === "function" ? await headers() : headers;
    const response = await reachable(where, signal, () =>
      // Called bare: a browser's fetch refuses any other `this`.
      fetch(url(path, query), {
        method,
        headers: {
          accept: "application/json",
          ...(json !== undefined && { "content-type": "application/json" }),
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
          ...given,
          ...request.headers,
        },
        ...(json !== undefined && { body: stringifyJson(json) }),
        ...(body && { body }),
        ...(signal && { signal }),
      }),
    );
    if (response.status >= 400) throw await errorFromResponse(response, where);
    return response;
  };

  return {
    url,
    send,
    whole: (response, path, signal) => reachable(path, signal, () => response.arrayBuffer()),
    async json(path, { schema, ...options }) {
      const response = await send(path, options);
      const where = `${options.method ?? "GET"} ${path}`;
      const text = await reachable(where, options.signal, () => response.text());
      return parseAnswer(schema, text, where);
    },
  };
}

async function reachable<Result>(
  where: string,
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    signal?.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError("CONNECTION_LOST", `${where}: ${reason}`, { cause });
  }
}

function parseAnswer<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  where: string,
): z.infer<Schema> {
  let value: unknown;
  try {
    value = parseJson(text, { maxDepth: WRITTEN_DEPTH });
  } catch (cause) {
    const start = JSON.stringify(text.slice(0, 40));
    throw new CodedError("INTERNAL", `${where}: expected JSON, got ${start}`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.map(String).join(".") || "(whole)";
  throw new CodedError("INTERNAL", `${where}: unexpected answer at ${place}: ${issue?.message}`, {
    cause: parsed.error,
  });
}
