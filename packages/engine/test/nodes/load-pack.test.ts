import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadPack } from "../../src/nodes/load-pack.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "packs-test-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const node = (name: string) =>
  `{ name: "${name}", category: "x", inputs: {}, outputs: [], run: () => [] }`;

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), text);
  }
}

async function namesIn(specifier: string) {
  const pack = await loadPack(specifier, root);
  return "nodes" in pack ? pack.nodes.map(({ name, module }) => `${module}/${name}`) : pack;
}

test("every export that is a node, or a list of nodes, belongs to the pack", async () => {
  await write({
    "mixed/index.mjs": `
      export const one = ${node("One")};
      export const others = [${node("Two")}, one];
      export const notes = "no node";
      export function helper() {}`,
  });
  expect(await namesIn("mixed")).toEqual(["custom_nodes.mixed/One", "custom_nodes.mixed/Two"]);
});

test("a folder is read as a package says: exports, main, or an index", async () => {
  await write({
    "exported/package.json": `{"exports":{".":{"import":"./lib/entry.mjs"}},"main":"./wrong.mjs"}`,
    "exported/lib/entry.mjs": `export const a = ${node("Exported")};`,
    "main/package.json": `{"type":"module","main":"lib.js"}`,
    "main/lib.js": `export const a = ${node("Main")};`,
    "single.mjs": `export const a = ${node("Single")};`,
    "node_modules/installed/package.json": `{"name":"installed","type":"module","exports":"./index.js"}`,
    "node_modules/installed/index.js": `export const a = ${node("Installed")};`,
  });
  expect(await namesIn("exported")).toEqual(["custom_nodes.exported/Exported"]);
  expect(await namesIn("./main")).toEqual(["custom_nodes.main/Main"]);
  expect(await namesIn(path.join(root, "single.mjs"))).toEqual(["custom_nodes.single/Single"]);
  expect(await namesIn("installed")).toEqual(["custom_nodes.installed/Installed"]);
});

test("a pack that cannot be loaded says why", async () => {
  await write({
    "hollow/readme.md": "",
    "syntax/index.mjs": "export const = 1;",
    "lost/package.json": `{"main":"gone.js"}`,
    "scrambled/package.json": "{",
  });
  const problem = async (specifier: string) => {
    const pack = await loadPack(specifier, root);
    return "problem" in pack ? pack.problem : "loaded";
  };
  expect(await problem("hollow")).toContain("has no index.js, index.mjs, index.ts");
  expect(await problem("lost")).toContain("has no gone.js");
  expect(await problem("scrambled")).toContain("JSON");
  expect(await problem("syntax")).not.toBe("loaded");
  expect(await problem("./nowhere")).toContain("no such file or folder");
  expect(await problem("no-such-package")).toContain("no-such-package");
});
