import { stringifyJson } from "@rabbitloom/workflow";
import type { FastifyInstance, LightMyRequestResponse } from "fastify";
import * as z from "zod";

const headersSchema = z.union([
  z.array(z.tuple([z.string(), z.string()])),
  z.record(z.string(), z.string()),
]);

/** One exchange with ComfyUI, as it was recorded. Without `response`: only sent, to bring about the same state. */
export const exchangeSchema = z.object({
  name: z.string(),
  group: z.string(),
  request: z.object({
    method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    path: z.string(),
    headers: z.record(z.string(), z.string()),
    body_text: z.string().optional(),
    body_b64: z.string().optional(),
  }),
  response: z
    .object({
      status: z.number(),
      headers: headersSchema,
      body_json: z.unknown().optional(),
      body_text: z.string().optional(),
      body_b64: z.string().optional(),
    })
    .optional(),
});
export type Exchange = z.infer<typeof exchangeSchema>;

/** Sends a recorded request to the gateway, in process. */
export function replay(
  app: FastifyInstance,
  { request }: Exchange,
): Promise<LightMyRequestResponse> {
  const { method, path, headers, body_text, body_b64 } = request;
  const body = body_b64 === undefined ? body_text : Buffer.from(body_b64, "base64");
  return app.inject({
    method,
    url: path,
    headers: { host: "127.0.0.1:8188", ...headers },
    ...(body !== undefined && { payload: body }),
  });
}

/** What of an answer has to be the same. Times, ids and digests of the recording are its own. */
export function comparable(answer: {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly json: unknown;
  readonly bytes: Buffer;
}) {
  const kept = new Map(answer.headers.map(([name, value]) => [name.toLowerCase(), value]));
  const compared = ["content-type", "content-disposition", "accept-ranges", "content-range"];
  return {
    status: answer.status,
    headers: Object.fromEntries(
      compared.flatMap((name) => (kept.has(name) ? [[name, kept.get(name)]] : [])),
    ),
    body: answer.json === undefined ? answer.bytes.toString("base64") : settled(answer.json),
  };
}

/** JSON as one text, with what is not stable put into an order, or out of the comparison. */
function settled(json: unknown): unknown {
  return JSON.parse(stringifyJson(json), (key, value) => {
    if (key === "prompt_id") return "(id)";
    if (key === "number") return "(number)";
    // Prose of ComfyUI's own, which the catalog here does not repeat.
    if (key === "tooltip" || key === "description") return undefined;
    // The order of a node's complaints is that of a Python set; tracebacks are Python's own.
    if (key === "errors" && Array.isArray(value)) {
      return value.map((item) => JSON.stringify(item)).sort((a, b) => a.localeCompare(b));
    }
    if (key === "details" && typeof value === "string") return value.split("\n").sort().join("\n");
    return value;
  });
}

export function recordedAnswer(response: NonNullable<Exchange["response"]>) {
  const headers: (readonly [string, string])[] = Array.isArray(response.headers)
    ? response.headers
    : Object.entries(response.headers);
  const bytes =
    response.body_b64 === undefined
      ? Buffer.from(response.body_text ?? "")
      : Buffer.from(response.body_b64, "base64");
  return comparable({ status: response.status, headers, json: response.body_json, bytes });
}

export function givenAnswer(response: LightMyRequestResponse, wasJson: boolean) {
  const headers = Object.entries(response.headers).map(
    ([name, value]) => [name, String(value)] as const,
  );
  const json = wasJson && response.body !== "" ? response.json<unknown>() : undefined;
  return comparable({ status: response.statusCode, headers, json, bytes: response.rawPayload });
}
