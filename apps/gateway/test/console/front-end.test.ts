import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loom-front-end-"));
  const files = {
    "secret.txt": "secret",
    "front/index.html": "<title>Editor</title>",
    "front/assets/app-1a2b.js": "run()",
    "front/scripts/api.js": "api()",
    "front/templates/index.json": "[]",
    "console/index.html": "<title>Console</title>",
    "console/assets/page-3c.js": "show()",
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  gateway = await testGateway({
    FRONT_END_ROOT: join(folder, "front"),
    CONSOLE_DIR: join(folder, "console"),
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const get = (url: string) => gateway.app.inject(url);

test.each([
  ["/", "<title>Editor</title>", "no-cache"],
  ["/index.html", "<title>Editor</title>", "no-cache"],
  ["/scripts/api.js", "api()", "no-cache"],
  ["/templates/index.json", "[]", "no-cache"],
  ["/assets/app-1a2b.js", "run()", "public, max-age=31536000, immutable"],
  ["/console/", "<title>Console</title>", "no-cache"],
  ["/console/assets/page-3c.js", "show()", "public, max-age=31536000, immutable"],
])("%s is the built file, kept as long as its name allows", async (url, text, caching) => {
  const answer = await get(url);
  expect([answer.statusCode, answer.body]).toEqual([200, text]);
  expect(answer.headers["cache-control"]).toBe(caching);
});

test("the console is found without its last slash", async () => {
  const answer = await get("/console");
  expect([answer.statusCode, answer.headers.location]).toEqual([302, "console/"]);
});

test("a file that is built later is served without a restart", async () => {
  await writeFile(join(folder, "front", "later.js"), "late()");
  expect((await get("/later.js")).body).toBe("late()");
});

test.each([
  ["GET", "/manager/version", 404],
  ["GET", "/extensions/none.js", 404],
  ["GET", "/api/nothing", 404],
  ["GET", "/../secret.txt", 404],
  ["GET", "/%2e%2e/secret.txt", 404],
  ["GET", "/interrupt", 405],
  ["PUT", "/prompt", 405],
  ["GET", "/queue", 200],
] as const)("%s %s is no file of the page: %i", async (method, url, status) => {
  const answer = await gateway.app.inject({ method, url });
  expect(answer.statusCode).toBe(status);
  expect(answer.body).not.toMatch(/secret|Editor/);
});

test("a folder without a built page ends the start with a reason", async () => {
  await expect(testGateway({ FRONT_END_ROOT: join(folder, "console/assets") })).rejects.toThrow(
    /FRONT_END_ROOT: expected a folder with an index\.html/,
  );
});

test("the folder is given by ComfyUI's own flag too", () => {
  expect(readConfig(["--front-end-root", "/page"], {}).frontEndRoot).toBe("/page");
  expect(() => readConfig(["--front-end"], {})).toThrow();
});
