import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Engine } from "@rabbitloom/engine";
import type { Logger } from "pino";

/**
 * Removes what dead attempts of a job left behind. `stems` are relative to the data folder: folder kind, subfolder
 * and file name up to the extension, `output/sub/name_00007_`.
 */
export async function removeStaleFiles(
  folders: Engine["folders"],
  stems: readonly string[],
  log: Logger,
): Promise<void> {
  for (const stem of stems) {
    const kind = stem.startsWith("temp/") ? "temp" : "output";
    const path = join(folders[kind], stem.slice(kind.length + 1));
    const [directory, start] = [dirname(path), `${basename(path)}.`];
    const files = await readdir(directory).catch(() => []);
    for (const file of files.filter((name) => name.startsWith(start))) {
      await rm(join(directory, file), { force: true });
      log.info({ file: join(directory, file) }, "removed a file of a dead attempt");
    }
  }
}
