import { readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Engine } from "@rabbitloom/engine";
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
    const stems = new Set(paths.map((path) => basename(path)));
    const directory = dirname(paths[0] ?? folders[numbers.type]);
    for (const name of await filesIn(directory)) {
      if (!stems.has(fileStem(name))) continue;
      const file = join(directory, name);
      const writtenAt = await whenWritten(file);
      if (writtenAt < givenAt - SKEW_MS || writtenAt > endedAt + SKEW_MS) continue;
      await rm(file, { force: true });
      log.info({ file }, "removed a file of an attempt that came to nothing");
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
