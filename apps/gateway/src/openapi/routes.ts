import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { sendFile } from "../files/send-file.ts";
import { openapiDocument } from "./document.ts";
import type { ListedRoute } from "./listed-routes.ts";
import { json, type Operation, operation, unlisted } from "./operation.ts";

const readDocument: Operation = {
  operationId: "openapi",
  surface: "gateway",
  summary: "This document",
  responses: {
    "200": {
      description: "OpenAPI 3.1.",
      content: json(z.record(z.string(), z.unknown()), { openapi: "3.1.0" }),
    },
    "304": { description: "Not changed since `If-None-Match`." },
  },
};

const readDocs: Operation = {
  operationId: "docs",
  surface: "gateway",
  summary: "This document, to read and to try",
  responses: { "200": { description: "A page.", content: { "text/html": {} } } },
};

/** `/openapi.json` for machines, `/docs` for people; nothing comes from elsewhere. */
export function documentRoutes(app: FastifyInstance, routes: readonly ListedRoute[]): void {
  let document: { readonly text: string; readonly etag: string } | undefined;

  app.get("/openapi.json", operation(readDocument, "public"), (request, reply) => {
    // Made at the first call: by then every route is known.
    document ??= withEtag(JSON.stringify(openapiDocument(routes)));
    reply.header("etag", document.etag).header("cache-control", "no-cache");
    if (request.headers["if-none-match"] === document.etag) return reply.code(304).send();
    return reply.type("application/json; charset=utf-8").send(document.text);
  });

  app.get("/docs", operation(readDocs, "public"), (_request, reply) =>
    reply
      .header("content-security-policy", CONTENT_SECURITY_POLICY)
      .type("text/html; charset=utf-8")
      .send(PAGE),
  );
  app.get("/docs/start.js", unlisted, (_request, reply) =>
    reply.type("text/javascript; charset=utf-8").send(START),
  );
  const folder = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  for (const [name, type] of VIEWER_FILES) {
    app.get(`/docs/${name}`, unlisted, (request, reply) =>
      sendFile(request, reply.type(type), join(folder, name)),
    );
  }
}

function withEtag(text: string) {
  return { text, etag: `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"` };
}

const VIEWER_FILES = [
  ["swagger-ui.css", "text/css; charset=utf-8"],
  ["swagger-ui-bundle.js", "text/javascript; charset=utf-8"],
] as const;

/** The viewer writes styles and draws small pictures itself. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

// Relative addresses: a proxy may have put the gateway below a path.
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Rabbitloom: API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="viewer"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
`;

const START = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#viewer",
  deepLinking: true,
  validatorUrl: null,
});
`;
