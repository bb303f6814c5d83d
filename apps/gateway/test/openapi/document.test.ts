import { createConfig, lintFromString } from "@redocly/openapi-core";
import { fastify } from "fastify";
import { expect, test } from "vitest";
import * as z from "zod";
import { openapiDocument } from "../../src/openapi/document.ts";
import { listedRoutes } from "../../src/openapi/listed-routes.ts";
import { operation } from "../../src/openapi/operation.ts";
import { testGateway } from "../support/test-gateway.ts";

test("a linter finds no fault in the document, and every example fits its schema", async () => {
  await using gateway = await testGateway();
  const { body } = await gateway.app.inject("/openapi.json");
  expect(await lint(body)).toEqual([]);
});

test("the linter refuses an example that does not fit its schema", async () => {
  await using gateway = await testGateway();
  const { body } = await gateway.app.inject("/openapi.json");
  const spoilt = body.replaceAll('"queue_remaining":2', '"queue_remaining":"two"');
  expect(await lint(spoilt)).toMatchObject([{ rule: "no-invalid-media-type-examples" }]);
});

test("every JSON body of every operation has an example", async () => {
  await using gateway = await testGateway();
  const document = documentSchema.parse((await gateway.app.inject("/openapi.json")).json());
  const without: string[] = [];
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of [methods.get, methods.post, methods.put, methods.delete]) {
      const bodies = [method?.requestBody, ...Object.values(method?.responses ?? {})];
      for (const [type, media] of bodies.flatMap((body) => Object.entries(body?.content ?? {}))) {
        if (!type.includes("json")) continue;
        if (media.example === undefined && media.examples === undefined) without.push(path);
      }
    }
  }
  expect(without).toEqual([]);
});

test("a path that is there under /api as well stands once, with both servers", async () => {
  await using gateway = await testGateway();
  const { paths } = documentSchema.parse((await gateway.app.inject("/openapi.json")).json());
  expect(paths["/queue"]?.servers).toEqual([{ url: "/" }, { url: "/api" }]);
  expect(paths["/api/queue"]).toBeUndefined();
  expect(paths["/api/v1/jobs"]?.servers).toBeUndefined();
});

test("a route that declares nothing stops the document, and names itself", () => {
  const app = fastify();
  const routes = listedRoutes(app);
  app.get("/forgotten/:id", () => "");
  expect(() => openapiDocument(routes)).toThrow(
    "GET /forgotten/{id}: the route declares no operation",
  );
});

test("errors come from the table, by status, in the surface's shape", () => {
  const app = fastify();
  const routes = listedRoutes(app);
  const declared = {
    operationId: "x",
    surface: "comfy",
    summary: "x",
    responses: {},
    errors: ["BROKER_UNAVAILABLE", "STORE_UNAVAILABLE"],
  } as const;
  app.get("/x", operation(declared), () => "");
  const unavailable = openapiDocument(routes).paths?.["/x"]?.get?.responses?.["503"];
  expect(unavailable).toMatchObject({
    headers: { "Retry-After": {} },
    content: {
      "application/json": {
        examples: {
          STORE_UNAVAILABLE: { value: { error: { type: "store_unavailable" } } },
        },
      },
    },
  });
});

test("the page that shows the document asks no other site for anything", async () => {
  await using gateway = await testGateway();
  const page = await gateway.app.inject("/docs");
  expect(page.headers["content-security-policy"]).toContain("default-src 'self'");
  const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name = ""]) => name);
  expect(files).toContain("docs/swagger-ui-bundle.js");
  for (const name of files.filter((file) => !file.startsWith("data:"))) {
    expect((await gateway.app.inject(`/${name}`)).statusCode, name).toBe(200);
  }
});

test("the document is sent again only when it has changed", async () => {
  await using gateway = await testGateway();
  const { headers } = await gateway.app.inject("/openapi.json");
  const again = await gateway.app.inject({
    url: "/openapi.json",
    headers: { "if-none-match": String(headers.etag) },
  });
  expect(again.statusCode).toBe(304);
});

const bodySchema = z.object({
  content: z
    .record(z.string(), z.object({ example: z.unknown(), examples: z.unknown() }).partial())
    .optional(),
});
const methodSchema = z
  .object({ requestBody: bodySchema.optional(), responses: z.record(z.string(), bodySchema) })
  .optional();
const documentSchema = z.object({
  paths: z.record(
    z.string(),
    z.object({
      servers: z.unknown().optional(),
      get: methodSchema,
      post: methodSchema,
      put: methodSchema,
      delete: methodSchema,
    }),
  ),
});

async function lint(source: string) {
  const config = await createConfig({
    extends: ["recommended"],
    // `default` stands for what is not listed, and every gateway has an address of its own.
    rules: { "operation-4xx-response": "off" },
  });
  const problems = await lintFromString({ source, config });
  return problems.map(({ ruleId, message, location: [place] }) => ({
    rule: ruleId,
    message,
    at: place?.pointer,
  }));
}
