import { readFile } from "node:fs/promises";
import asyncapi from "@asyncapi/specs";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
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
