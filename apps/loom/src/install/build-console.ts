import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { repositoryRoot } from "../config.ts";
import { runTool } from "./run-tool.ts";

const CONSOLE = join(repositoryRoot, "apps/console");
const PAGE = join(CONSOLE, "dist/index.html");
/** What the page is made of, itself included. */
const SOURCES = [
  "apps/console/src",
  "apps/console/index.html",
  "apps/console/vite.config.ts",
  "packages/client/src",
  "packages/protocol/src",
];

/** Builds the page that the gateway serves; resolves to the exit code. */
export async function buildConsole(): Promise<number> {
  return await runTool("vite", ["build", "--logLevel", "warn"], CONSOLE);
}

/** Builds it where it is missing or older than what it is made of. Throws where that fails. */
export async function ensureConsole(): Promise<void> {
  const builtAt = existsSync(PAGE) ? (await stat(PAGE)).mtimeMs : 0;
  const changedAt = await Promise.all(SOURCES.map((path) => newest(join(repositoryRoot, path))));
  if (Math.max(...changedAt) <= builtAt) return;
  const code = await buildConsole();
  if (code !== 0) throw new Error(`building the page failed with exit code ${code}`);
}

async function newest(path: string): Promise<number> {
  const facts = await stat(path);
  if (!facts.isDirectory()) return facts.mtimeMs;
  const entries = await readdir(path, { recursive: true });
  const times = await Promise.all(
    entries.map(async (entry) => (await stat(join(path, entry))).mtimeMs),
  );
  return Math.max(facts.mtimeMs, ...times);
}
