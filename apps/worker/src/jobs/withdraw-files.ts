import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Engine } from "@rabbitloom/engine";
import type { JobStore } from "@rabbitloom/jobs";
import type { OutputFile } from "@rabbitloom/protocol";
import type { Logger } from "pino";

export interface WithdrawOptions {
  readonly store: Pick<JobStore, "find">;
  readonly engine: Pick<Engine, "free">;
  readonly log: Logger;
  readonly job: { readonly message: { readonly jobId: string } };
}

/**
 * Removes what an attempt saved that came too late: nobody names these files, and no result that is cached may. They stay
 * where the record is no longer kept, as the attempt may then have been the one that counted.
 */
export async function withdrawFiles(
  { store, engine, log, job }: WithdrawOptions,
  folders: Engine["folders"],
  files: readonly OutputFile[],
): Promise<void> {
  if (files.length === 0) return;
  try {
    if ((await store.find("every-tenant", job.message.jobId)) === undefined) return;
    await engine.free();
    for (const { type, subfolder, filename } of files) {
      await rm(join(folders[type], subfolder, filename), { force: true });
      log.info({ type, subfolder, filename }, "removed a file of an attempt that came too late");
    }
  } catch (err) {
    log.warn({ err, files }, "could not remove the files of an attempt that came too late");
  }
}
