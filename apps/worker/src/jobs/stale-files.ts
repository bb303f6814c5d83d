import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Engine } from "@rabbitloom/engine";
import type { FileNumbers } from "@rabbitloom/jobs";
import type { Logger } from "pino";
import { fileStems } from "./file-names.ts";

/** Removes what dead attempts of a job left behind. */
export async function removeStaleFiles(
  folders: Engine["folders"],
  stale: readonly FileNumbers[],
  log: Logger,
): Promise<void> {
  for (const numbers of stale) {
    for (const stem of fileStems(numbers)) {
      const path = join(folders[numbers.type], stem);
      const [directory, start] = [dirname(path), `${basename(path)}.`];
      const files = await readdir(directory).catch(() => []);
      for (const file of files.filter((name) => name.startsWith(start))) {
        await rm(join(directory, file), { force: true });
        log.info({ file: join(directory, file) }, "removed a file of a dead attempt");
      }
    }
  }
}
