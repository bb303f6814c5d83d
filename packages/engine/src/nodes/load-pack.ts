import { readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { NodeClass } from "./define-node.ts";
import { thrownText } from "./thrown.ts";

/** A pack of nodes: loaded, or why not. One broken pack keeps nothing else from running. */
export type LoadedPack =
  | { readonly name: string; readonly nodes: readonly NodeClass[] }
  | { readonly name: string; readonly problem: string };

/**
 * Loads a pack from a file, a folder or a package: every export that is a node, or a list of nodes, belongs to
 * it. A folder is read as a package: `exports` or `main` of its package.json, else `index.js`, `index.mjs`
 * or `index.ts`. Relative paths and packages are looked for from `from`.
 */
export async function loadPack(specifier: string, from = process.cwd()): Promise<LoadedPack> {
  const name = packName(specifier);
  try {
    const entry = await findEntry(specifier, from);
    const exported: unknown = await import(pathToFileURL(entry).href);
    const nodes = nodesOf(exported);
    if (nodes.length === 0) {
      return { name, problem: `${entry} exports no node; a node is what defineNode returns` };
    }
    return { name, nodes: nodes.map((node) => ({ module: `custom_nodes.${name}`, ...node })) };
  } catch (cause) {
    return {
      name,
      problem: `${specifier}: ${thrownText(cause)}`,
    };
  }
}

function packName(specifier: string): string {
  return path.basename(specifier).replace(/\.(?:[cm]?[jt]s)$/, "");
}

async function findEntry(specifier: string, from: string): Promise<string> {
  const location = path.resolve(from, specifier);
  const found = await stat(location).catch(() => undefined);
  if (found?.isFile()) return location;
  if (found?.isDirectory()) return folderEntry(location);
  if (path.isAbsolute(specifier) || specifier.startsWith(".")) {
    throw new Error("there is no such file or folder");
  }
  return createRequire(path.join(from, "package.json")).resolve(specifier);
}

async function folderEntry(folder: string): Promise<string> {
  const named = await namedEntry(folder);
  const candidates = named === undefined ? ["index.js", "index.mjs", "index.ts"] : [named];
  for (const candidate of candidates) {
    const file = path.join(folder, candidate);
    if ((await stat(file).catch(() => undefined))?.isFile()) return file;
  }
  throw new Error(`the folder has no ${candidates.join(", ")}`);
}

async function namedEntry(folder: string): Promise<string | undefined> {
  const text = await readFile(path.join(folder, "package.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const manifest: unknown = JSON.parse(text);
  const exported = property(manifest, "exports");
  const main = property(manifest, "main");
  return entryOf(property(exported, ".") ?? exported) ?? entryOf(main);
}

/** The path in an `exports` entry, under the conditions that Node's import sets. */
function entryOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  for (const condition of ["import", "node", "default"]) {
    const entry = property(value, condition);
    if (entry !== undefined) return entryOf(entry);
  }
  return undefined;
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function nodesOf(exported: unknown): NodeClass[] {
  if (typeof exported !== "object" || exported === null) return [];
  const nodes = new Set<NodeClass>();
  for (const value of Object.values(exported)) {
    for (const candidate of Array.isArray(value) ? value : [value]) {
      if (isNodeClass(candidate)) nodes.add(candidate);
    }
  }
  return [...nodes];
}

export function isNodeClass(value: unknown): value is NodeClass {
  return (
    typeof property(value, "name") === "string" &&
    typeof property(value, "category") === "string" &&
    typeof property(value, "run") === "function" &&
    typeof property(value, "inputs") === "object" &&
    Array.isArray(property(value, "outputs"))
  );
}
