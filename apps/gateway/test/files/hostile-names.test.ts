/**
 * Every parameter and every text of every body of the OpenAPI document, with names that lead out of their folder: no answer
 * tells what is outside, no header is broken, and nothing outside is written. A route that comes later is here by itself.
 */
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { endJobs, savePrompt } from "../support/instant-worker.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

const CANARY = "canary-7c0e";
/** The paths that tests know, and operations that open a socket. */
const methods = ["get", "head", "post", "put", "patch", "delete"] as const;

const operationSchema = z.object({
  parameters: z
    .array(z.object({ in: z.string(), name: z.string(), example: z.unknown().optional() }))
    .default([]),
  requestBody: z
    .object({ content: z.record(z.string(), z.looseObject({ example: z.unknown().optional() })) })
    .optional(),
  responses: z.record(z.string(), z.unknown()),
});
const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
});

await using documenting = await testGateway();
const document = documentSchema.parse((await documenting.app.inject("/openapi.json")).json());
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  methods.flatMap((method) => {
    const operation = operationSchema.safeParse(item[method]).data;
    if (operation === undefined || "101" in operation.responses) return [];
    return [{ path, method, operation, name: `${method.toUpperCase()} ${path}` }];
  }),
);

const names = [
  "../secret.txt",
  "../../data/secret.txt",
  "..\\secret.txt",
  "..%2Fsecret.txt",
  "%2e%2e/secret.txt",
  "link/secret.txt",
  "secret.txt [output]",
  "../secret.txt [temp]",
  "/etc/passwd",
  "//etc/passwd",
  "C:\\secret.txt",
  "file:///etc/passwd",
  "secret.txt\0.png",
  "..",
  ".",
  "",
  "NUL",
  "a\r\nX-Injected: 1",
  "x\u0000",
  "__proto__",
  "constructor",
  "${7*7}",
  "x".repeat(1_500),
];

async function plant({ folders }: TestGateway): Promise<string> {
  const data = dirname(folders.input);
  await writeFile(join(data, "secret.txt"), CANARY);
  await mkdir(join(folders.user, "default"), { recursive: true });
  for (const folder of [folders.input, folders.output, folders.temp, join(folders.user, "default")])
    await symlink(data, join(folder, "link"));
  return data;
}

async function filesOutside(data: string): Promise<string[]> {
  const entries = await readdir(data, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(data, join(entry.parentPath, entry.name)))
    .filter((file) => !/^(input|output|temp|user\/default)\//.test(file));
}

/** The example with every text in it, one at a time, in the place of a name. */
function withName(example: unknown, name: string): unknown[] {
  if (typeof example === "string") return [name];
  if (Array.isArray(example)) {
    return example.flatMap((item, i) => withName(item, name).map((odd) => example.with(i, odd)));
  }
  if (typeof example !== "object" || example === null) return [];
  return Object.entries(example).flatMap(([key, value]) =>
    withName(value, name).map((odd) => ({ ...example, [key]: odd })),
  );
}

function multipart(name: string): { payload: string; type: string } {
  const quoted = name.replaceAll(/["\r\n]/g, (c) => encodeURIComponent(c));
  const field = (key: string, value: string) =>
    `--B\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`;
  const file = (key: string) =>
    `--B\r\nContent-Disposition: form-data; name="${key}"; filename="${quoted}"\r\n\r\n${CANARY.slice(0, 3)}\r\n`;
  const texts = ["subfolder", "file_path", "type", "tags", "content_type"].map((key) =>
    field(key, name),
  );
  const original = field("original_ref", JSON.stringify({ filename: name, subfolder: name }));
  return {
    payload: `${texts.join("")}${original}${file("image")}${file("file")}${field("prompt", JSON.stringify(savePrompt))}--B--\r\n`,
    type: "multipart/form-data; boundary=B",
  };
}

test.each(operations)("$name", async ({ path, method, operation }) => {
  await using gateway = await testGateway();
  endJobs(gateway, { outputs: { "2": { text: ["x"] } } });
  const data = await plant(gateway);
  const [[media, { example }] = ["", { example: undefined }]] = Object.entries(
    operation.requestBody?.content ?? {},
  );
  for (const name of names) {
    const bodies: { payload?: string; type?: string }[] =
      media === "multipart/form-data"
        ? [multipart(name)]
        : withName(example ?? {}, name).map((body) => ({
            payload: JSON.stringify(body),
            type: "application/json",
          }));
    if (media !== "" && !media.includes("json")) bodies.push({ payload: "bytes", type: media });
    for (const { payload, type } of bodies.length === 0 ? [{}] : bodies.slice(0, 20)) {
      const place = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(name) || "%00");
      const query = operation.parameters
        .filter((parameter) => parameter.in === "query")
        .map((parameter) => `${parameter.name}=${encodeURIComponent(name)}`)
        .join("&");
      const answer = await gateway.app.inject({
        method: z
          .enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
          .parse(method.toUpperCase()),
        url: `${place}?${query}`,
        headers: { ...(type !== undefined && { "content-type": type }) },
        ...(payload !== undefined && { payload }),
      });
      const said = `${JSON.stringify(name)}: ${answer.statusCode} ${answer.body}`;
      expect(answer.statusCode < 500 || path === "/readyz", said).toBe(true);
      expect(answer.body, said).not.toContain(CANARY);
      expect(answer.body, said).not.toContain("root:x:");
      expect(answer.body, said).not.toContain(data);
      expect(answer.headers, said).not.toHaveProperty("x-injected");
    }
  }
  expect(await filesOutside(data)).toEqual(["secret.txt"]);
  expect(await readFile(join(data, "secret.txt"), "utf8")).toBe(CANARY);
});
