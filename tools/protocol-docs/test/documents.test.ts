import { readFile } from "node:fs/promises";
import asyncapi from "@asyncapi/specs";
import * as protocol from "@rabbitloom/protocol";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { asyncapiDocument } from "../src/asyncapi.ts";
import { documents } from "../src/documents.ts";

test.each(await documents())("$path says what the schemas say", async ({ path, content }) => {
  expect(await readFile(path, "utf8")).toBe(content);
});

test("the AsyncAPI file is valid by the official schema of version 3.0.0", async () => {
  const file = new URL("../../../docs/asyncapi.yaml", import.meta.url);
  const validate = validator();
  const isValid = validate(parse(await readFile(file, "utf8")));
  expect(validate.errors ?? []).toEqual([]);
  expect(isValid).toBe(true);
});

test("the official schema refuses an operation without an action", () => {
  const { operations, ...rest } = asyncapiDocument();
  const { action: _action, ...enqueue } = operations.enqueue;
  expect(validator()({ ...rest, operations: { ...operations, enqueue } })).toBe(false);
});

test("every message that the protocol has a schema for is in the AsyncAPI file", () => {
  const { channels, components } = asyncapiDocument();
  const told = new Set<unknown>(Object.keys(components.messages));
  JSON.stringify(components, (key, value) => {
    if (key === "type" && typeof value === "object") told.add(value.const);
    return value;
  });
  const types = Object.values(protocol).flatMap(messageTypesOf);
  expect(types.filter((type) => !told.has(type))).toEqual([]);
  // Of each kind: events of jobs, previews, control messages and their replies.
  expect(types).toEqual(
    expect.arrayContaining([
      "job-end",
      "node-preview",
      "worker-drain",
      "nodes-check",
      "nodes-checked",
    ]),
  );
  const sent = Object.values(channels).flatMap(({ messages }) => Object.keys(messages));
  expect(new Set(sent)).toEqual(new Set(Object.keys(components.messages)));
});

/** What stands in `type` of the messages that a schema reads; a message has a version. */
function messageTypesOf(schema: unknown): unknown[] {
  if (schema instanceof z.ZodDiscriminatedUnion) return schema.options.flatMap(messageTypesOf);
  if (!(schema instanceof z.ZodObject)) return [];
  const { v, type } = schema.shape;
  return v !== undefined && type instanceof z.ZodLiteral ? [...type.values] : [];
}

test("every reference of the AsyncAPI file leads somewhere", () => {
  const document = asyncapiDocument();
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
  for (const [, path = ""] of references) {
    let place: unknown = document;
    for (const step of path.split("/")) {
      place = typeof place === "object" && place !== null ? Reflect.get(place, step) : undefined;
    }
    expect(place, path).toBeDefined();
  }
});

function validator() {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const schema: object = asyncapi.schemasWithoutId["3.0.0"];
  return ajv.compile({ ...schema });
}
