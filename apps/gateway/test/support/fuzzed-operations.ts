import fc from "fast-check";
import * as z from "zod";
import { arbitraryOf, type JsonSchema, recordOf } from "./arbitrary-of.ts";
import { savePrompt } from "./instant-worker.ts";

const schemaSchema = z.custom<JsonSchema>((value) => typeof value === "object" && value !== null);
const operationSchema = z.object({
  operationId: z.string(),
  parameters: z
    .array(
      z.object({
        in: z.enum(["path", "query", "header"]),
        name: z.string(),
        schema: schemaSchema.default({}),
        example: z.unknown().optional(),
      }),
    )
    .default([]),
  requestBody: z
    .object({
      content: z.record(
        z.string(),
        z.object({ schema: schemaSchema.default({}), example: z.unknown().optional() }),
      ),
    })
    .optional(),
  responses: z.record(z.string(), z.unknown()),
});
type Operation = z.infer<typeof operationSchema>;
const methodSchema = z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]);
const methods = ["get", "post", "put", "patch", "delete"] as const;
const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.object({ schemas: z.record(z.string(), schemaSchema) }),
});

export interface OddRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string | undefined;
}

export interface FuzzedOperation {
  readonly name: string;
  readonly path: string;
  /** With good, bad and odd input. A job and whatever else has an id is called "known". */
  readonly requests: fc.Arbitrary<OddRequest>;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly runs: number;
  /** Throws for an answer that should not be. */
  readonly ask: (request: OddRequest) => Promise<void>;
}

/** Asks with odd requests; throws with the smallest one that fails. */
export async function fuzz({ requests }: FuzzedOperation, options: FuzzOptions): Promise<void> {
  const { seed, runs: numRuns, ask } = options;
  await fc.assert(fc.asyncProperty(requests, ask), { seed, numRuns });
}

/** Every operation of an OpenAPI document. */
export function fuzzedOperations(given: unknown): FuzzedOperation[] {
  const document = documentSchema.parse(given);
  const { schemas } = document.components;
  return Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = operationSchema.safeParse(item[method]).data;
      // Sockets have nothing to send a request to.
      if (operation === undefined || "101" in operation.responses) return [];
      const upper = methodSchema.parse(method.toUpperCase());
      const requests = requestOf(path, operation, schemas).map((request) => ({
        ...request,
        method: upper,
      }));
      return [{ path, name: `${upper} ${path}`, requests }];
    }),
  );
}

type Schemas = Readonly<Record<string, JsonSchema>>;

function requestOf(path: string, operation: Operation, schemas: Schemas) {
  const of = (place: "path" | "query" | "header") =>
    recordOf(
      operation.parameters
        .filter((parameter) => parameter.in === place)
        .map(({ name, schema, example }) => ({
          name,
          value: textOf(schema, example, schemas),
          isRequired: false,
        })),
    );
  return fc
    .tuple(of("path"), of("query"), of("header"), bodyOf(operation, schemas))
    .map(([params, query, given, { type, payload }]) => {
      const place = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
        encodeURIComponent(wellFormed(params[name] ?? "known")),
      );
      const search = Object.entries(query)
        .map(([name, value]) => `${name}=${encodeURIComponent(wellFormed(value))}`)
        .join("&");
      const headers = Object.fromEntries(
        Object.entries({ ...given, ...(type !== "" && { "content-type": type }) }).map(
          // What no client can put into a header does not come in one.
          ([name, value]) => [name, value.replaceAll(/[^\x20-\x7e]/g, "?")],
        ),
      );
      return { url: `${place}?${search}`, headers, payload };
    });
}

function textOf(schema: JsonSchema, example: unknown, schemas: Schemas): fc.Arbitrary<string> {
  const values = arbitraryOf(schema, schemas).map((value) =>
    typeof value === "string" ? value : JSON.stringify(value),
  );
  return fc.oneof(fc.constant(String(example ?? "known")), fc.constant("known"), values);
}

/** Whole JSON, JSON that breaks off, and what is none; under the right type and others. */
function bodyOf({ requestBody }: Operation, schemas: Schemas) {
  const none = fc.constant({ type: "", payload: undefined });
  const [media] = Object.values(requestBody?.content ?? {});
  if (media === undefined) return none;
  const values = fc.oneof(
    arbitraryOf(media.schema, schemas),
    fc.constant(media.example ?? savePrompt),
  );
  const json = values.map((value) => JSON.stringify(value));
  const broken = fc
    .tuple(json, fc.nat(200))
    .map(([text, length]) => text.slice(0, Math.min(length, text.length)));
  const texts = fc.oneof({ weight: 4, arbitrary: json }, broken, fc.string({ unit: "binary" }));
  const types = fc.constantFrom(
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "image/png",
    "",
  );
  return fc.oneof(
    { weight: 8, arbitrary: texts.map((payload) => ({ type: "application/json", payload })) },
    fc.record({ type: types, payload: texts }),
    none,
  );
}

function wellFormed(text: string): string {
  return text.replaceAll(/\p{Cs}/gu, "\ufffd");
}
