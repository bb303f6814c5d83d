import { readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Engine, startOfUnfinished, unfinishedStart } from "@rabbitloom/engine";
import type { FileNumbers } from "@rabbitloom/jobs";
import type { Logger } from "pino";
import { fileStem, fileStems } from "./file-names.ts";

/** Clocks of the store, of workers and of a shared disk may differ by so much. */
const SKEW_MS = 30_000;

/**
 * Removes files that attempts may have written under these numbers and that came to nothing. A file that was there before its
 * number was given, or that came after the job had ended, is somebody else's and stays.
 */
export async function removeStaleFiles(
  folders: Engine["folders"],
  stale: readonly (FileNumbers & { readonly endedAt?: number })[],
  log: Logger,
): Promise<void> {
  for (const numbers of stale) {
    const { givenAt, endedAt = Number.POSITIVE_INFINITY } = numbers;
    const paths = fileStems(numbers).map((stem) => join(folders[numbers.type], stem));
    const stems = new Set(paths.flatMap(startsOf));
    const directory = dirname(paths[0] ?? folders[numbers.type]);
    for (const name of await filesIn(directory)) {
      if (!stems.has(startOfUnfinished(name) ?? fileStem(name))) continue;
      const file = join(directory, name);
      const writtenAt = await whenWritten(file);
      if (writtenAt < givenAt - SKEW_MS || writtenAt > endedAt + SKEW_MS) continue;
      await rm(file, { force: true });
      log.info({ file }, "removed a file of an attempt that came to nothing");
    }
  }
}

/** Names of the file at this path up to its extension, whole and unfinished. */
function startsOf(path: string): [string, string] {
  const stem = basename(path);
  return [stem, unfinishedStart(stem)];
}

/**
 * Removes what an engine that was killed has left unfinished under numbers that were given to one attempt alone. What it may
 * still write beside it has another name.
 */
export async function removeUnfinished(
  folders: Engine["folders"],
  own: readonly Omit<FileNumbers, "givenAt">[],
  log: Logger,
): Promise<void> {
  const starts = new Map<string, Set<string>>();
  for (const numbers of own) {
    for (const stem of fileStems(numbers)) {
      const file = join(folders[numbers.type], stem);
      const inFolder = starts.get(dirname(file)) ?? new Set();
      starts.set(dirname(file), inFolder.add(unfinishedStart(basename(file))));
    }
  }
  for (const [directory, inFolder] of starts) {
    for (const name of await filesIn(directory)) {
      if (!inFolder.has(startOfUnfinished(name) ?? "")) continue;
      await rm(join(directory, name), { force: true });
      log.info({ file: join(directory, name) }, "removed what was not written to its end");
    }
  }
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** In milliseconds; never for one that is gone already. */
async function whenWritten(file: string): Promise<number> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return Number.NEGATIVE_INFINITY;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && ["ENOENT", "ENOTDIR"].includes(String(error.code))
  );
}
