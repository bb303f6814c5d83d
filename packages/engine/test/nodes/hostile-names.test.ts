/**
 * Every input of every node that names a file, found by what the classes declare: no name reads or writes outside of the
 * three folders, whatever it is made of. A class that comes later is here by itself.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { coreNodes } from "../../src/nodes/core-nodes.ts";
import type { NodeClass } from "../../src/nodes/define-node.ts";
import type { NodeInput } from "../../src/nodes/input.ts";
import type { Engine } from "../../src/process/engine.ts";
import { openEngine } from "../../src/process/open-engine.ts";

const CANARY = "canary-5d1f";
let root = "";
let engine: Engine;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "hostile-names-"));
  const folders = ["input", "output", "temp", "models", "outside"].map((name) =>
    path.join(root, name),
  );
  for (const folder of folders) await mkdir(folder, { recursive: true });
  const [input = "", output = "", temp = "", models = "", outside = ""] = folders;
  await writeFile(path.join(outside, "secret.png"), CANARY);
  await writeFile(path.join(outside, "secret.latent"), CANARY);
  for (const folder of [input, output, temp]) await symlink(outside, path.join(folder, "link"));
  engine = await openEngine({ input, output, temp, models, inline: true });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

const isNamed = (name: string) =>
  /file|path|prefix|folder|dir|url|image$|_name$|latent$/.test(name);

/** Listed files, names of models, and texts whose own name says that they are one. */
function namesFile(name: string, { type, listed, options }: NodeInput): boolean {
  if (listed !== undefined || options?.image_upload === true || type === "WEBCAM") return true;
  return type === "STRING" && isNamed(name);
}

const inputs = coreNodes().flatMap((node) =>
  Object.entries(node.inputs)
    .filter(([name, input]) => namesFile(name, input))
    .map(([name, input]) => ({ node, name, input, title: `${node.name}.${name}` })),
);

test("the classes that name files are found", () => {
  const found = new Set(inputs.map(({ title }) => title));
  for (const title of ["LoadImage.image", "SaveImage.filename_prefix", "LoadLatent.latent"]) {
    expect(found).toContain(title);
  }
  expect(inputs.length).toBeGreaterThan(25);
});

const up = "../outside/secret";
const names = [
  `${up}.png`,
  `${up}.latent`,
  `${up}.png [output]`,
  `${up}.png [temp]`,
  "..\\outside\\secret.png",
  "link/secret.png",
  "link/secret.latent [output]",
  "sub/../../outside/secret.png",
  "%2e%2e/outside/secret.png",
  "....//outside/secret.png",
  "/etc/passwd",
  "//etc/passwd",
  "\\\\server\\share\\a.png",
  "C:\\secret.png",
  "file:///etc/passwd",
  "http://127.0.0.1/secret.png",
  "secret.png\0.png",
  "\0",
  "..",
  ".",
  "/",
  "",
  "CON",
  "NUL.png",
  "a\r\nb.png",
  "x".repeat(5_000),
  "__proto__",
  "constructor",
  "\ud800",
];

/** Nodes that give a value of a type, for the inputs beside the one in question. */
const sources: Readonly<Record<string, readonly [string, Record<string, unknown>]>> = {
  IMAGE: ["EmptyImage", { width: 8, height: 8, batch_size: 1, color: 0 }],
  LATENT: ["EmptyLatentImage", { width: 64, height: 64, batch_size: 1 }],
  MASK: ["SolidMask", { value: 1, width: 8, height: 8 }],
};

/** The node with this value, what it needs as far as it can be made here, and something that asks for its first output. */
function graphOf(node: NodeClass, name: string, value: string) {
  const others: Record<string, unknown> = {};
  const graph: Record<string, { class_type: string; inputs: Record<string, unknown> }> = {};
  for (const [other, input] of Object.entries(node.inputs)) {
    if (other === name) continue;
    const type = Array.isArray(input.type) ? "COMBO" : String(input.type);
    const source = sources[type];
    if (source !== undefined) {
      graph[type] = { class_type: source[0], inputs: source[1] };
      others[other] = [type, 0];
    } else if (input.options?.default !== undefined) others[other] = input.options.default;
    else if (Array.isArray(input.type)) others[other] = input.type[0];
  }
  graph.it = { class_type: node.name, inputs: { ...others, [name]: value } };
  if (!node.isOutputNode) graph.out = { class_type: "PreviewAny", inputs: { source: ["it", 0] } };
  return graph;
}

async function filesOutside(): Promise<string[]> {
  const inside = /^(input|output|temp|models)\//;
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => !inside.test(file))
    .sort();
}

test.each(inputs)("$title leads nowhere but into the folders", async ({ node, name }) => {
  for (const value of names) {
    const outcome = await engine.run({ jobId: "odd", prompt: graphOf(node, name, value) });
    const said = JSON.stringify(outcome, (_key, part) =>
      part instanceof Error ? String(part) : part,
    );
    expect(said, value).not.toContain(CANARY);
    expect(said, value).not.toContain("root:x:");
    expect(outcome.error?.code, `${JSON.stringify(value)}: ${said}`).not.toBe("INTERNAL");
  }
  expect(await filesOutside()).toEqual(["outside/secret.latent", "outside/secret.png"]);
  expect(await readFile(path.join(root, "outside/secret.png"), "utf8")).toBe(CANARY);
});
