/** A client that others generate from the committed document: it compiles, and it works. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import openapiTypescript, { astToString } from "openapi-typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openService, type TestService } from "./support/service.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
let service: TestService;
let folder: string;
beforeAll(async () => {
  // Below this folder, so that the program finds openapi-fetch as a user's program would.
  folder = await mkdtemp(join(root, "test", ".typed-client-"));
  service = await openService();
}, 180_000);
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const PROGRAM = `
import createClient from "openapi-fetch";
import type { paths } from "./api.ts";

const client = createClient<paths>({ baseUrl: process.env.LOOM_URL ?? "" });
const prompt = { "1": { class_type: "ToyText", inputs: { text: "typed" } } };
const accepted = await client.POST("/api/v1/prompts", {
  params: { header: { Prefer: "wait=30", "Idempotency-Key": "typed-1" } },
  body: { prompt, lane: "high" },
});
if (accepted.error !== undefined) throw new Error(JSON.stringify(accepted.error));
const { data: job } = await client.GET("/api/v1/jobs/{id}", { params: { path: { id: "typed-1" } } });
const state: "pending" | "running" | "succeeded" | "failed" | "cancelled" | "dead" | undefined =
  job?.state;
const { error } = await client.GET("/api/v1/jobs/{id}", { params: { path: { id: "nobody" } } });
const code: string | undefined = error?.code;
const queue = await client.GET("/queue");
// @ts-expect-error: a job's id is a text
void (() => client.GET("/api/v1/jobs/{id}", { params: { path: { id: 1 } } }));
// @ts-expect-error: there is no such route
void (() => client.GET("/api/v1/nothing"));
console.log(JSON.stringify({ state, code, running: queue.data?.queue_running.length }));
`;

test("the document becomes a TypeScript client that compiles, refuses mistakes, and runs", async () => {
  const document = await readFile(join(root, "packages/protocol/openapi.yaml"), "utf8");
  await writeFile(join(folder, "api.ts"), astToString(await openapiTypescript(document)));
  await writeFile(join(folder, "program.ts"), PROGRAM);
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "es2023",
        lib: ["es2023", "dom"],
        module: "nodenext",
        strict: true,
        noEmit: true,
        allowImportingTsExtensions: true,
        skipLibCheck: true,
        types: ["node"],
      },
      files: ["program.ts"],
    }),
  );
  const compiled = await run(join(root, "node_modules/.bin/tsc"), ["-p", folder]).catch(
    (error: { stdout: string }) => error,
  );
  expect(compiled.stdout).toBe("");
  const { stdout } = await run(process.execPath, ["--import=tsx", join(folder, "program.ts")], {
    cwd: root,
    env: { ...process.env, LOOM_URL: service.url },
  });
  expect(JSON.parse(stdout)).toEqual({ state: "succeeded", code: "NOT_FOUND", running: 0 });
}, 120_000);
